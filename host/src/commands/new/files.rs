//! Writing the files of a method from templates.

use std::{fs, path::Path};

use physrep_records::files;

use crate::error::{Error, Result};

/// Writes a file, and the folder that it is in.
pub(super) fn write_file(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().expect("a file has a folder");
    fs::create_dir_all(folder).map_err(Error::io(folder))?;
    Ok(files::write(path, text.as_bytes())?)
}

/// A template with the method's name for `my-method`, and the same name as that of a crate and of a type.
pub(super) fn named(template: &str, name: &str) -> String {
    let type_name: String = name
        .split('-')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
        })
        .collect();
    template.replace("my-method", name).replace("my_method", &name.replace('-', "_")).replace("MyMethod", &type_name)
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn the_name_is_written_as_rust_writes_names() {
        assert_eq!(named("my-method my_method MyMethod", "two-words-2"), "two-words-2 two_words_2 TwoWords2");
    }
}
