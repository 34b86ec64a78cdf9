//! A white canvas of pixels, with rectangles and text.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};

/// Red, green and blue.
pub(crate) type Rgb = [u8; 3];

/// How text is aligned to its position.
#[derive(Clone, Copy)]
pub(crate) enum Align {
    Left,
    Centre,
    Right,
}

/// How text looks.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    pub size: f32,
    pub colour: Rgb,
    pub bold: bool,
}

/// A picture that is being drawn.
pub(crate) struct Canvas {
    pub width: usize,
    pub height: usize,
    pixels: Vec<Rgb>,
    regular: FontRef<'static>,
    bold: FontRef<'static>,
}

impl Canvas {
    /// A white canvas of this size in pixels.
    pub fn new(width: usize, height: usize) -> Self {
        let font = |bytes| FontRef::try_from_slice(bytes).expect("the embedded font is valid");
        let (regular, bold) = (font(dejavu::sans::regular()), font(dejavu::sans::bold()));
        Self { width, height, pixels: vec![[255; 3]; width * height], regular, bold }
    }

    /// Sets one pixel; those beyond the canvas are ignored.
    pub fn set(&mut self, x: usize, y: usize, colour: Rgb) {
        if x < self.width && y < self.height {
            self.pixels[y * self.width + x] = colour;
        }
    }

    /// Fills a rectangle.
    pub fn fill(&mut self, x: usize, y: usize, width: usize, height: usize, colour: Rgb) {
        for row in y..y + height {
            for column in x..x + width {
                self.set(column, row, colour);
            }
        }
    }

    /// A line of one pixel around a rectangle, outside of it.
    pub fn frame(&mut self, x: usize, y: usize, width: usize, height: usize, colour: Rgb) {
        for (x, y, width, height) in [
            (x - 1, y - 1, width + 2, 1),
            (x - 1, y + height, width + 2, 1),
            (x - 1, y, 1, height),
            (x + width, y, 1, height),
        ] {
            self.fill(x, y, width, height, colour);
        }
    }

    /// Writes one line whose middle is at height `y`.
    pub fn text(&mut self, text: &str, x: usize, y: usize, align: Align, style: Style) {
        let font = if style.bold { self.bold.clone() } else { self.regular.clone() };
        let scaled = font.as_scaled(PxScale::from(style.size));
        let width = self.text_width(text, style);
        let mut pen = x as f32
            - match align {
                Align::Left => 0.0,
                Align::Centre => width / 2.0,
                Align::Right => width,
            };
        // Half the height of a capital letter below the middle.
        let baseline = (y as f32 + 0.255 * style.size).round();
        for letter in text.chars() {
            let id = scaled.glyph_id(letter);
            let glyph = id.with_scale_and_position(style.size, point(pen, baseline));
            pen += scaled.h_advance(id);
            let Some(outline) = font.outline_glyph(glyph) else { continue };
            let corner = outline.px_bounds().min;
            outline.draw(|dx, dy, coverage| {
                let (x, y) = (corner.x as i64 + i64::from(dx), corner.y as i64 + i64::from(dy));
                if let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) {
                    self.blend(x, y, style.colour, coverage);
                }
            });
        }
    }

    /// The width of a line of text in pixels.
    pub fn text_width(&self, text: &str, style: Style) -> f32 {
        let font = if style.bold { &self.bold } else { &self.regular };
        let scaled = font.as_scaled(PxScale::from(style.size));
        text.chars().map(|letter| scaled.h_advance(scaled.glyph_id(letter))).sum()
    }

    fn blend(&mut self, x: usize, y: usize, colour: Rgb, coverage: f32) {
        if x >= self.width || y >= self.height {
            return;
        }
        let pixel = &mut self.pixels[y * self.width + x];
        let coverage = coverage.clamp(0.0, 1.0);
        for (channel, ink) in pixel.iter_mut().zip(colour) {
            *channel = (f32::from(*channel) * (1.0 - coverage) + f32::from(ink) * coverage).round() as u8;
        }
    }

    /// The canvas as a PNG file.
    pub fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::High);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(self.pixels.as_flattened())?;
        writer.finish()?;
        Ok(bytes)
    }
}
