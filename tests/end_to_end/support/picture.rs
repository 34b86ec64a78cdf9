//! Pictures that the program draws.

use std::{fs::File, io::BufReader, path::Path};

/// An RGB picture.
pub struct Picture {
    pub width: usize,
    pub height: usize,
    /// `(height, width, 3)`.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// Reads a PNG file.
    pub fn open(path: &Path) -> Self {
        let file = BufReader::new(File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())));
        let mut reader = png::Decoder::new(file).read_info().expect("a PNG");
        let mut rgb = vec![0; reader.output_buffer_size().expect("small")];
        let info = reader.next_frame(&mut rgb).expect("an image");
        assert_eq!(info.color_type, png::ColorType::Rgb);
        Self { width: info.width as usize, height: info.height as usize, rgb }
    }
}
