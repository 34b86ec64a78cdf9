//! The terms of VICReg.

use candle_core::Result;

use super::support::fused_agrees;
use crate::cuda::fused::vicreg::terms;
use crate::objectives::{VicRegConfig, vicreg, weighted};
use crate::ops::precise;
use crate::rng::Rng;

#[test]
fn agrees_with_the_terms_chunk_by_chunk_and_so_do_the_gradients() -> Result<()> {
    // Equal chunks; a shorter last one; fewer chunks than asked for; one of a single row.
    for (rows, channels, chunks) in [(12, 5, 3), (13, 4, 5), (3, 6, 5), (5, 3, 2)] {
        let order = Rng::new(1, "order", 0).permutation(rows);
        let config = VicRegConfig { chunks, ..VicRegConfig::default() };
        fused_agrees(
            &format!("{rows} rows of {channels} in {chunks} chunks"),
            [&[rows, channels], &[rows, channels]],
            |[x, y]| vicreg(x, y, &order, &config)?.total.reshape((1, 1)),
            |[x, y]| {
                let (x, y) = (precise(x)?, precise(y)?);
                weighted(&terms(&x, &y, &order, chunks)?, &config)?.total.reshape((1, 1))
            },
        )?;
    }
    Ok(())
}
