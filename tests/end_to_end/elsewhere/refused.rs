//! Files that are not scored, each with what is wrong and what to do.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{export, moments, score, write_embeddings};
use crate::support::{Array, Output, Suite, TestProject};

/// Scores a file that is to be refused, and gives the error.
#[track_caller]
fn error(project: &TestProject, file: &str, expected: &str) -> String {
    let output = score(project, &[&format!("shear_flow={file}")], &[]);
    assert!(
        output.code == Some(1) && output.err.contains(expected),
        "{file}: {expected}: {:?} {}",
        output.code,
        output.err
    );
    output.has_one_error_line();
    assert!(!project.path("out/run.json").exists(), "{file}: nothing is written");
    output.err
}

#[test]
fn every_window_must_be_there_once_and_no_other() {
    let project = TestProject::new();
    let (tokens, identifiers) = (moments(), export().identifiers.clone());
    let width = tokens.shape[1] * tokens.shape[2];
    let write = |identifiers: &[i64], tokens: &Array| {
        write_embeddings(&project.path("a.safetensors"), identifiers, tokens);
    };
    let rows = |n: usize| Array { shape: vec![n, 2, 4], values: tokens.values[..n * width].to_vec() };

    let mut twice = identifiers.clone();
    twice[5] = twice[3];
    write(&twice, &tokens);
    error(&project, "a.safetensors", &format!("identifier {} is there twice, in rows 3 and 5", twice[3]));
    let mut unknown = identifiers.clone();
    unknown[7] = 12;
    write(&unknown, &tokens);
    let message =
        error(&project, "a.safetensors", "1 of its 38 identifiers are of no window of shear_flow, the first is 12");
    assert!(message.contains("micro v1") && message.contains("`data_checksum`"), "{message}");
    write(&identifiers[..36], &rows(36));
    error(
        &project,
        "a.safetensors",
        &format!("2 of 38 windows are missing, the first has the identifier {}", identifiers[36]),
    );
    write(&identifiers[..36], &tokens);
    error(&project, "a.safetensors", "`identifiers` has 36 rows, `tokens` has 38");
    write(&[], &Array::zeros(&[0, 2, 4]));
    error(&project, "a.safetensors", "it is empty");
}

#[test]
fn windows_of_another_draw_or_suite_are_told_from_those_of_this_one() {
    let project = TestProject::new();
    write_embeddings(&project.path("shear_flow.safetensors"), &export().identifiers, &moments());
    let text = Suite::Micro.text().replace("samples = 24", "samples = 28");
    project.write("other.toml", text);
    let data = Suite::Micro.data().display().to_string();
    let arguments = ["score", "shear_flow.safetensors", "--suite", "./other.toml", "--data", &data, "--name", "dinov2"];
    let output = project.run(arguments).exits_with(1);
    assert!(output.err.contains("38 of its 38 identifiers are of no window of shear_flow"), "{}", output.err);
    assert!(output.err.contains("export again"), "{}", output.err);
}

#[test]
fn tokens_must_be_finite_and_of_one_shape() {
    let project = TestProject::new();
    let identifiers = &export().identifiers;
    for (value, name) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf")] {
        let mut tokens = moments();
        tokens.values[8 * 3 + 6] = value;
        write_embeddings(&project.path("a.safetensors"), identifiers, &tokens);
        let expected = format!("`tokens` of identifier {} is {name} at token 1, dimension 2", identifiers[3]);
        error(&project, "a.safetensors", &expected);
    }
    for (shape, expected) in [
        (vec![38, 8], "`tokens` has the shape [38, 8]; expected (N, tokens, dim)"),
        (vec![38, 2, 2, 2], "expected (N, tokens, dim)"),
        (vec![304], "expected (N, tokens, dim)"),
    ] {
        write_embeddings(&project.path("a.safetensors"), identifiers, &Array { shape, ..moments() });
        error(&project, "a.safetensors", expected);
    }
}

/// Writes an archive of files without compression, as `numpy.savez` does.
fn write_archive(path: &Path, files: &[(&str, &[u8])]) {
    let mut archive = ZipWriter::new(File::create(path).expect("writable"));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in files {
        archive.start_file(*name, options).expect("a new file");
        archive.write_all(bytes).expect("writable");
    }
    archive.finish().expect("writable");
}

/// An array as `numpy.save` writes it, with this dictionary.
fn npy(dictionary: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{dictionary}\n");
    [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes(), header.as_bytes(), values].concat()
}

#[test]
fn damaged_and_hostile_archives_are_refused_with_a_sentence() {
    let project = TestProject::new();
    let identifiers: Vec<u8> = export().identifiers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let identifiers = npy("{'descr': '<i8', 'fortran_order': False, 'shape': (38,), }", &identifiers);
    let tokens: Vec<u8> = moments().values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let good = "{'descr': '<f4', 'fortran_order': False, 'shape': (38, 2, 4), }";
    let tokens_with = |dictionary: &str| npy(dictionary, &tokens);
    let path = project.path("a.npz");
    let check = |array: &[u8], expected: &str| {
        write_archive(&path, &[("identifiers.npy", &identifiers), ("tokens.npy", array)]);
        error(&project, "a.npz", expected);
    };
    let shaped = |shape: &str| tokens_with(&good.replace("(38, 2, 4)", shape));
    check(&shaped("(18446744073709551615, 18446744073709551615, 2)"), "the whole file has");
    check(&shaped("(38, 2, 1099511627776)"), "the whole file has");
    check(&shaped("(9223372036854775808, 2, 4)"), "the whole file has");
    check(&shaped("(38, 0, 0)"), "it is empty");
    check(&shaped("(38, -2, 4)"), "`tokens` cannot be read");
    check(&shaped("(38, 2, 5)"), "`tokens` cannot be read");
    check(&shaped("(((("), "`tokens` has the shape []");
    check(&tokens_with("{'descr': '|O', 'fortran_order': False, 'shape': (38, 2, 4), }"), "`tokens` cannot be read");
    check(&tokens_with("{'descr': '<i4', 'fortran_order': False, 'shape': (38, 2, 4), }"), "`tokens` is of type i32");
    check(&tokens_with("{}"), "`tokens` cannot be read");
    check(&tokens_with("\u{0}{{{::,,"), "`tokens` cannot be read");
    check(b"", "`tokens` cannot be read");
    check(b"no array", "no array of version 1");
    // A header that says that it is 4 GiB long.
    check(b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "no array of version 1");
    write_archive(&path, &[("identifiers.npy", &identifiers)]);
    error(&project, "a.npz", "has no array `tokens`; it has: identifiers");
    write_archive(&path, &[]);
    error(&project, "a.npz", "has no array `identifiers`; it has: ");

    write_archive(&path, &[("identifiers.npy", &identifiers), ("tokens.npy", &tokens_with(good))]);
    let whole = fs::read(&path).expect("readable");
    for length in [0, 1, 100, whole.len() / 2, whole.len() - 1] {
        project.write("cut.npz", &whole[..length]);
        error(&project, "cut.npz", "not an .npz file");
    }
    project.write("text.npz", "no archive");
    error(&project, "text.npz", "not an .npz file");
    error(&project, "nowhere.npz", "nowhere.npz");
    let output = score(&project, &["shear_flow=a.npz"], &[]).exits_with(0);
    assert!(output.out.contains("dinov2 (elsewhere)"), "the whole file is scored: {}", output.out);
}

#[test]
fn damaged_and_hostile_safetensors_files_are_refused_with_a_sentence() {
    let project = TestProject::new();
    write_embeddings(&project.path("a.safetensors"), &export().identifiers, &moments());
    let whole = fs::read(project.path("a.safetensors")).expect("readable");
    let damaged = "not a safetensors file, or one that is damaged";
    for length in [0, 7, 8, 100, whole.len() - 1] {
        project.write("cut.safetensors", &whole[..length]);
        error(&project, "cut.safetensors", damaged);
    }
    let header = |text: &str| [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
    let huge =
        r#"{"identifiers":{"dtype":"I64","shape":[9223372036854775807,9],"data_offsets":[0,18446744073709551615]}}"#;
    for (bytes, expected) in [
        (header(huge), damaged),
        (u64::MAX.to_le_bytes().to_vec(), damaged),
        (header("{}"), "has no array `identifiers`"),
        (
            [header(r#"{"identifiers":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}"#), vec![0; 4]].concat(),
            "`identifiers` is of type i32; expected int64",
        ),
    ] {
        project.write("hostile.safetensors", bytes);
        error(&project, "hostile.safetensors", expected);
    }
}

#[test]
fn wrong_names_are_wrong_usage() {
    let project = TestProject::new();
    write_embeddings(&project.path("shear_flow.safetensors"), &export().identifiers, &moments());
    write_embeddings(&project.path("embeddings.safetensors"), &export().identifiers, &moments());
    project.write("shear_flow.pt", "");
    let of = |files: &[&str]| score(&project, files, &[]);
    let cases: [(Output, &str); 4] = [
        (
            of(&["embeddings.safetensors"]),
            "expected a file that is called as a system of suite micro, such as shear_flow.npz",
        ),
        (of(&["shear_flow.pt"]), "a file whose name ends in .npz or .safetensors"),
        (of(&["shear_flow.safetensors", "shear_flow=embeddings.safetensors"]), "one file of shear_flow"),
        (of(&[]), "required arguments"),
    ];
    for (output, expected) in cases {
        let output = output.exits_with(2);
        assert!(output.err.contains(expected), "{expected}: {}", output.err);
    }
    let [suite, data] = [Suite::Micro.path(), Suite::Micro.data().to_owned()].map(|path| path.display().to_string());
    for (name, expected) in [
        ("features", "the name of a floor"),
        ("../up", "lower-case letters"),
        ("DINO", "lower-case letters"),
        ("", "lower-case letters"),
    ] {
        let arguments = ["score", "shear_flow.safetensors", "--suite", &suite, "--data", &data, "--name", name];
        let output = project.run(arguments).exits_with(2);
        assert!(output.err.contains(expected), "{name}: {}", output.err);
    }
}
