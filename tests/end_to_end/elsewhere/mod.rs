//! Embeddings made elsewhere: what goes out, what comes back, what becomes of it in a run, and what is refused.

mod export;
mod refused;
mod row;
mod scores;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use safetensors::{Dtype, serialize_to_file, tensor::TensorView};

use crate::support::{Array, Output, Suite, TestProject};

/// The exported clips of the micro suite's only system.
struct Export {
    folder: PathBuf,
    identifiers: Vec<i64>,
    clips: Array,
}

/// The clips of the micro suite, exported once.
fn export() -> &'static Export {
    static EXPORT: LazyLock<Export> = LazyLock::new(|| {
        let folder = crate::support::shared_folder().join("windows");
        export_to(&TestProject::new(), &folder, &[]).exits_with(0);
        let folder = folder.join("shear_flow");
        let (_, identifiers) = read_npy(&folder.join("identifiers.npy"), i64::from_le_bytes);
        let (shape, values) = read_npy(&folder.join("clips.npy"), f32::from_le_bytes);
        Export { folder, identifiers, clips: Array { shape, values } }
    });
    &EXPORT
}

/// Exports the clips of the micro suite.
fn export_to(project: &TestProject, out: &Path, more: &[&str]) -> Output {
    let [suite, data] = [Suite::Micro.path(), Suite::Micro.data().to_owned()].map(|path| path.display().to_string());
    let out = out.display().to_string();
    let arguments = ["export-windows", "--suite", &suite, "--data", &data, "--out", &out];
    project.run(arguments.iter().chain(more))
}

/// Scores files of a project as the row `elsewhere` of the run in its folder `out`.
fn score(project: &TestProject, files: &[&str], more: &[&str]) -> Output {
    let [suite, data] = [Suite::Micro.path(), Suite::Micro.data().to_owned()].map(|path| path.display().to_string());
    let arguments = ["--suite", &suite, "--data", &data, "--out", "out", "--name", "dinov2", "--threads", "1"];
    project.run(["score"].iter().chain(files).chain(&arguments).chain(more))
}

/// The shape and the values of a `.npy` file.
fn read_npy<T, const BYTES: usize>(path: &Path, value: fn([u8; BYTES]) -> T) -> (Vec<usize>, Vec<T>) {
    let bytes = fs::read(path).expect("readable");
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = String::from_utf8_lossy(&bytes[10..start]);
    let shape = header.split_once("'shape': (").expect("a shape").1.split_once(')').expect("an end").0;
    let shape = shape.split(", ").map(|size| size.trim_end_matches(',').parse().expect("a number"));
    (shape.collect(), bytes[start..].as_chunks::<BYTES>().0.iter().map(|&bytes| value(bytes)).collect())
}

/// Embeddings of the exported clips.
fn moments() -> Array {
    moments_of(&export().clips)
}

/// An embedding of each clip that has some physics in it: two tokens, the mean and the mean square of each channel.
fn moments_of(clips: &Array) -> Array {
    let [n, channels, ..] = clips.shape[..] else { panic!("five axes") };
    let of_clip = |clip: &[f32]| -> Vec<f32> {
        let channel = clip.len() / channels;
        let moment = |power: i32| {
            clip.chunks_exact(channel).map(move |values| {
                values.iter().map(|value| f64::from(*value).powi(power)).sum::<f64>() as f32 / channel as f32
            })
        };
        moment(1).chain(moment(2)).collect()
    };
    let values = clips.values.chunks_exact(clips.values.len() / n).flat_map(of_clip).collect();
    Array { shape: vec![n, 2, channels], values }
}

/// Writes embeddings of the exported clips.
pub fn write_moments(path: &Path) {
    write_embeddings(path, &export().identifiers, &moments());
}

/// Writes a safetensors file of embeddings.
fn write_embeddings(path: &Path, identifiers: &[i64], tokens: &Array) {
    let numbers: Vec<u8> = identifiers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let values: Vec<u8> = tokens.values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let views = [
        ("identifiers", TensorView::new(Dtype::I64, vec![identifiers.len()], &numbers).expect("the shape fits")),
        ("tokens", TensorView::new(Dtype::F32, tokens.shape.clone(), &values).expect("the shape fits")),
    ];
    serialize_to_file(views, None, path).expect("writable");
}
