//! The grid of tubelets: the boxes of frames, rows and columns that a clip is cut into, one per token.

use physrep_plugin_api::candle_core::{Result, Tensor, bail};

/// The largest default patch: VideoMAE's, at 224x224 pixels.
const LARGEST: usize = 16;
/// The smallest number of patches along the shorter side that the default patch leaves.
const FEWEST: usize = 8;

/// How clips of one shape are cut into tubelets of `tubelet` frames and `patch x patch` points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    tubelet: usize,
    patch: usize,
    /// Tubelets along time, height and width.
    counts: [usize; 3],
}

impl Grid {
    /// The grid for clips of `frames` frames and `size` (height and width) points. Without a `patch`, it is the largest
    /// power of two up to 16 that leaves at least 8 patches along the shorter side.
    ///
    /// # Errors
    /// If `tubelet` does not divide the frames, or the patch does not divide both sides; the message lists the divisors.
    pub fn new(frames: usize, size: [usize; 2], tubelet: usize, patch: Option<usize>) -> Result<Self> {
        let [height, width] = size;
        if frames == 0 || height == 0 || width == 0 {
            bail!("clips of {frames} frames and {height}x{width} points have nothing to encode");
        }
        if tubelet == 0 || !frames.is_multiple_of(tubelet) {
            bail!("`tubelet` (={tubelet}) must divide the {frames} frames of a clip: {} do", divisors(frames));
        }
        let (patch, origin) = match patch {
            Some(patch) => (patch, ""),
            None => (Self::default_patch(size), ", chosen for this resolution"),
        };
        if patch == 0 || !height.is_multiple_of(patch) || !width.is_multiple_of(patch) {
            bail!(
                "`patch` (={patch}{origin}) must divide both sides of {height}x{width} points: {} do",
                divisors(greatest_common_divisor(height, width))
            );
        }
        Ok(Self { tubelet, patch, counts: [frames / tubelet, height / patch, width / patch] })
    }

    fn default_patch([height, width]: [usize; 2]) -> usize {
        let most = (height.min(width) / FEWEST).clamp(1, LARGEST);
        1 << most.ilog2()
    }

    /// Frames, rows and columns of a tubelet.
    pub fn tubelet(&self) -> [usize; 3] {
        [self.tubelet, self.patch, self.patch]
    }

    /// Pixels of a tubelet, per channel.
    pub fn pixels(&self) -> usize {
        self.tubelet().iter().product()
    }

    /// Tubelets along time.
    pub fn slots(&self) -> usize {
        self.counts[0]
    }

    /// Tubelets of one time slot.
    pub fn patches(&self) -> usize {
        self.counts[1] * self.counts[2]
    }

    /// Tubelets of a clip, ordered by slot, row and column; the column varies fastest.
    pub fn tokens(&self) -> usize {
        self.slots() * self.patches()
    }

    /// Clips `(B, C, T, H, W)` to rows of pixels, `(B * tokens, C * pixels)`: sample by sample, token by token. Within a row
    /// the order is channel, frame, row, column, as in the embedding's weights.
    pub fn cut(&self, clips: &Tensor) -> Result<Tensor> {
        let (batch, channels, frames, height, width) = clips.dims5()?;
        let ([t, h, w], [slots, rows, columns]) = (self.tubelet(), self.counts);
        if [frames, height, width] != [t * slots, h * rows, w * columns] {
            bail!("expected clips (B, C, {}, {}, {}), got {:?}", t * slots, h * rows, w * columns, clips.dims());
        }
        let apart = clips.reshape(&[batch, channels, slots, t, rows, h, columns, w][..])?;
        apart.permute([0, 2, 4, 6, 1, 3, 5, 7].as_slice())?.reshape((batch * self.tokens(), channels * self.pixels()))
    }
}

/// All divisors of `number`, for an error message.
fn divisors(number: usize) -> String {
    let all: Vec<String> = (1..=number).filter(|d| number.is_multiple_of(*d)).map(|d| d.to_string()).collect();
    all.join(", ")
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
