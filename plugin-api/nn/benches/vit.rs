//! A small vision transformer on clips: inference, and a step of masked-autoencoder training.
//!
//! `cargo bench -p physrep-nn --bench vit -- [BATCH] [SIDE]` times ViT-S (12 blocks of 384 channels and 6 heads) on
//! clips of 16 frames and SIDE x SIDE pixels, in tubelets of 2x16x16, as in VideoMAE (arXiv:2203.12602): in training,
//! 90 % of the tubelets are masked, and a decoder has 4 blocks of 192 channels and 3 heads. Prints the minimum and the
//! median in seconds.

use std::{hint::black_box, time::Instant};

use candle_core::{DType, Device, Result, Tensor};
use physrep_nn::{
    AdamW, AdamWConfig, Init, LayerNorm, Linear, Params, Rng, TransformerBlock, mean_squared_error, patches,
    retain_heap_memory, sincos_positions,
};

const CHANNELS: usize = 11;
const FRAMES: usize = 16;
const DIM: usize = 384;
const DECODER: usize = 192;
const TUBELET: [usize; 3] = [2, 16, 16];
/// Percentage of tubelets that are not masked.
const KEPT: usize = 10;

fn main() -> Result<()> {
    retain_heap_memory();
    // The threads of candle's own pool spin while they wait, and would take cores from rayon's. The host's workers set
    // the same.
    // SAFETY: no other thread runs yet.
    unsafe { std::env::set_var("CANDLE_NUM_THREADS", "1") };
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let (batch, side) = (sizes.first().copied().unwrap_or(2), sizes.get(1).copied().unwrap_or(224));
    let params = Params::new(DType::F32, &Device::Cpu, 1);
    let model = Autoencoder::new(side, &params)?;
    let clips = Rng::new(1, "clips", 0).normal((batch, FRAMES, side, side, CHANNELS), DType::F32, &Device::Cpu)?;
    let mut optimizer = AdamW::new(params.named(), AdamWConfig::default())?.allow_missing(model.unused())?;

    report("inference", batch, side, || {
        black_box(model.encode(&clips)?);
        Ok(())
    })?;
    let order = Rng::new(1, "mask", 0).permutation(model.tokens / (FRAMES / 2));
    report("training step", batch, side, || {
        let loss = model.loss(&clips, &order)?;
        optimizer.step(&loss.backward()?, 1e-4)
    })
}

fn report(what: &str, batch: usize, side: usize, mut run: impl FnMut() -> Result<()>) -> Result<()> {
    run()?;
    let (all, mut seconds) = (Instant::now(), Vec::new());
    while seconds.len() < 3 || all.elapsed().as_secs_f64() < 5.0 {
        let clock = Instant::now();
        run()?;
        seconds.push(clock.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    let (least, median) = (seconds[0], seconds[seconds.len() / 2]);
    println!("ViT-S {what}, batch {batch}, {side}x{side}: least {least:.3} s, median {median:.3} s");
    Ok(())
}

struct Autoencoder {
    tokens: usize,
    embed: Linear,
    blocks: Vec<TransformerBlock>,
    norm: LayerNorm,
    narrow: Linear,
    mask: Tensor,
    decoder: Vec<TransformerBlock>,
    decoder_norm: LayerNorm,
    head: Linear,
}

impl Autoencoder {
    fn new(side: usize, params: &Params) -> Result<Self> {
        let pixels = TUBELET.iter().product::<usize>() * CHANNELS;
        let (encoder, decoder) = (params.pp("encoder"), params.pp("decoder"));
        let blocks = |count: usize, dim, heads, params: Params| -> Result<Vec<_>> {
            (0..count).map(|i| TransformerBlock::new(dim, heads, 1e-6, params.pp("blocks").pp(i))).collect()
        };
        Ok(Self {
            tokens: FRAMES / 2 * (side / 16) * (side / 16),
            embed: Linear::new(pixels, DIM, encoder.pp("patch_embed.proj"))?,
            blocks: blocks(12, DIM, 6, encoder.clone())?,
            norm: LayerNorm::new(DIM, 1e-6, encoder.pp("norm"))?,
            narrow: Linear::new(DIM, DECODER, params.pp("encoder_to_decoder"))?,
            mask: params.get((1, 1, DECODER), "mask_token", Init::TruncNormal { std: 0.02 })?,
            decoder: blocks(4, DECODER, 3, decoder.clone())?,
            decoder_norm: LayerNorm::new(DECODER, 1e-6, decoder.pp("norm"))?,
            head: Linear::new(DECODER, pixels, decoder.pp("head"))?,
        })
    }

    /// Nothing: all parameters take part in the loss.
    fn unused(&self) -> [String; 0] {
        []
    }

    fn transform(&self, mut tokens: Tensor) -> Result<Tensor> {
        for block in &self.blocks {
            tokens = block.forward(&tokens)?;
        }
        self.norm.forward(&tokens)
    }

    fn encode(&self, clips: &Tensor) -> Result<Tensor> {
        let tokens = self.embed.forward(&patches(clips, TUBELET)?)?;
        self.transform(tokens.broadcast_add(&sincos_positions(self.tokens, DIM, DType::F32, &Device::Cpu)?)?)
    }

    /// The mean squared error over the masked tubelets; `order` is of the positions of one frame's tubelets, and the
    /// first of them are kept in all frames.
    fn loss(&self, clips: &Tensor, order: &[u32]) -> Result<Tensor> {
        let (batch, frames) = (clips.dim(0)?, FRAMES / 2);
        let kept = order.len() * KEPT / 100;
        let all = |positions: &[u32]| -> Result<Tensor> {
            let indices: Vec<u32> =
                (0..frames).flat_map(|t| positions.iter().map(move |p| (t * order.len()) as u32 + p)).collect();
            Tensor::new(indices, &Device::Cpu)
        };
        let (visible, hidden) = (all(&order[..kept])?, all(&order[kept..])?);
        let pixels = patches(clips, TUBELET)?;
        let positions = sincos_positions(self.tokens, DIM, DType::F32, &Device::Cpu)?.index_select(&visible, 1)?;
        let tokens = self.embed.forward(&pixels.index_select(&visible, 1)?)?.broadcast_add(&positions)?;
        let read = self.narrow.forward(&self.transform(tokens)?)?;
        let positions = sincos_positions(self.tokens, DECODER, DType::F32, &Device::Cpu)?;
        let read = read.broadcast_add(&positions.index_select(&visible, 1)?)?;
        let asked = self.mask.broadcast_add(&positions.index_select(&hidden, 1)?)?;
        let asked = asked.broadcast_as((batch, hidden.elem_count(), DECODER))?.contiguous()?;
        let mut tokens = Tensor::cat(&[&read, &asked], 1)?;
        for block in &self.decoder {
            tokens = block.forward(&tokens)?;
        }
        let guessed = tokens.narrow(1, visible.elem_count(), hidden.elem_count())?;
        let guess = self.head.forward(&self.decoder_norm.forward(&guessed)?)?;
        mean_squared_error(&guess, &pixels.index_select(&hidden, 1)?)
    }
}
