//! A frame as the grid has it: one pixel a point, for pictures that show what methods see.

use physrep_benchmarks::systems::Field;
use png::EncodingError;

use super::{canvas::Canvas, colours::Colours, quantity::Quantity};

/// The channel that pictures of a system show; the first of one that nobody chose for.
pub(crate) fn channel<'c>(system: &str, fields: &[Field], channels: impl Iterator<Item = &'c str>) -> usize {
    let chosen = Quantity::of(system, fields, None).map(|quantity| quantity.name).unwrap_or_default();
    channels.into_iter().position(|channel| channel == chosen).unwrap_or_default()
}

/// Frames of one quantity in one scale of colours, as PNG files of `[nx, ny]` pixels; `x` to the right, `y` upwards.
pub(crate) fn pictures(
    quantity: &str,
    frames: &[Vec<f32>],
    [nx, ny]: [usize; 2],
) -> Result<Vec<Vec<u8>>, EncodingError> {
    let colours = Colours::of(quantity, frames.iter().flatten().copied());
    let picture = |frame: &Vec<f32>| {
        let mut canvas = Canvas::new(nx, ny);
        for (point, value) in frame.iter().enumerate().take(nx * ny) {
            canvas.set(point / ny, ny - 1 - point % ny, colours.colour(f64::from(*value)));
        }
        canvas.png()
    };
    frames.iter().map(picture).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_a_pixel_with_y_upwards() {
        // Highest at x = 0 and the largest y.
        let frame = vec![0.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        let [picture] = pictures("any", &[frame], [3, 2]).expect("a picture").try_into().expect("one");
        let mut reader = png::Decoder::new(std::io::Cursor::new(picture)).read_info().expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        reader.next_frame(&mut pixels).expect("pixels");
        let pixel = |x: usize, y: usize| &pixels[3 * (3 * y + x)..3 * (3 * y + x) + 3];
        assert!(pixel(0, 0) != pixel(1, 0) && pixel(1, 0) == pixel(0, 1) && pixel(0, 1) == pixel(2, 1));
    }
}
