//! Attention among tokens.

use candle_core::Result;

use super::support::fused_agrees;
use crate::cuda::fused;
use crate::ops::self_attention;

#[test]
fn agrees_with_attention_on_the_cpu_and_so_do_all_gradients() -> Result<()> {
    for (batch, tokens, heads, width) in [(2, 5, 3, 4), (1, 40, 2, 33), (3, 1, 1, 2)] {
        let what = format!("{tokens} tokens, {heads} heads of {width}");
        let qkv = [batch, tokens, 3 * heads * width];
        fused_agrees(
            &format!("{what}, with a bias"),
            [&qkv, &[heads, tokens, tokens]],
            |[qkv, bias]| self_attention(qkv, Some(bias), heads),
            |[qkv, bias]| fused::self_attention::self_attention(qkv, Some(bias), heads),
        )?;
        fused_agrees(
            &what,
            [&qkv],
            |[qkv]| self_attention(qkv, None, heads),
            |[qkv]| fused::self_attention::self_attention(qkv, None, heads),
        )?;
    }
    Ok(())
}
