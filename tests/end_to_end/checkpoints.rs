//! `encode` with the weights that trainers in PyTorch leave: read correctly, or refused with the reason.

use std::{fs, time::Instant};

use crate::support::{Array, JEPA, Output, TestProject, fixture, micro_run, python, read_tensors, write_tensors};

/// A project with the files of `tests/programs/torch_files.py` in `good` and `bad`, and the state in `state.safetensors`.
fn project() -> Option<TestProject> {
    let mut python = python("zipfile")?;
    let project = TestProject::new();
    let states = project.find(micro_run(0).join("cells/shear_flow/jepa"), "state.safetensors");
    let state = states.into_values().next().expect("one pretrained cell");
    fs::copy(state, project.path("state.safetensors")).expect("copied");
    let script = fixture("programs/torch_files.py");
    let output: Output = python
        .arg(script)
        .args(["state.safetensors", "."])
        .current_dir(project.path("."))
        .output()
        .expect("it runs")
        .into();
    output.exits_with(0);
    write_clips(&project, None);
    Some(project)
}

/// Writes two clips, with one value replaced.
fn write_clips(project: &TestProject, other: Option<(usize, f32)>) {
    let mut clips = Array::zeros(&[2, 4, 16, 16, 32]);
    for (index, value) in clips.values.iter_mut().enumerate() {
        *value = (index * 7 % 23) as f32 / 8.0 - 1.0;
    }
    if let Some((index, value)) = other {
        clips.values[index] = value;
    }
    write_tensors(&project.path("clips.safetensors"), "input", &clips);
}

fn encode(project: &TestProject, checkpoint: &str, more: &[&str]) -> Output {
    let library = JEPA.argument();
    let arguments = [
        ["--method", "jepa"],
        ["--plugins", &library],
        ["--set", "dims=4,4,8,8,8"],
        ["--set", "num_res_blocks=1,1,1,1,1"],
        ["--checkpoint", checkpoint],
        ["--input", "clips.safetensors"],
        ["--output", "embeddings.safetensors"],
    ];
    project.run(["encode"].iter().chain(arguments.as_flattened()).chain(more))
}

/// The embeddings with a checkpoint.
fn embeddings(project: &TestProject, checkpoint: &str, more: &[&str]) -> Vec<f32> {
    encode(project, checkpoint, more).exits_with(0);
    read_tensors(&project.path("embeddings.safetensors")).remove("embedding").expect("embeddings").values
}

/// The names of the files in a folder.
fn names(project: &TestProject, folder: &str) -> Vec<String> {
    let files = fs::read_dir(project.path(folder)).expect("a folder");
    let mut names: Vec<_> =
        files.map(|file| file.expect("readable").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

#[test]
fn checkpoints_of_trainers_give_the_embeddings_of_their_weights() {
    let Some(project) = project() else { return };
    let expected = embeddings(&project, "state.safetensors", &[]);
    let files = names(&project, "good");
    assert!(files.len() > 15, "{files:?}");
    for file in files {
        assert!(embeddings(&project, &format!("good/{file}"), &[]) == expected, "{file}");
    }
    assert!(embeddings(&project, "bad/two.pt", &["--key", "model"]) == expected);
    assert!(embeddings(&project, "bad/two.pt", &["--key", "ema"]) != expected);
}

#[test]
fn checkpoints_that_do_not_fit_are_refused_with_what_is_there() {
    let Some(project) = project() else { return };
    let zip = "expected a zip archive of torch.save with a data.pkl";
    let cases: [(&str, &[&str]); 22] = [
        ("two.pt", &["several that fit: at `ema`, at `model`; name one with --key"]),
        ("deeper.pt", &["found more at the top of the file: `another.block.weight`"]),
        ("shorter.pt", &["at `model`: 1 missing: `encoder."]),
        ("renamed.pt", &["found other names (", "): `layer0`, `layer1`"]),
        ("reshaped.pt", &["1 of another shape", "[1] in place of ["]),
        ("beyond.pt", &["beyond the ", " of its storage"]),
        ("endless.pt", &["1 of another shape"]),
        ("cut.pt", &["a damaged zip archive"]),
        ("flipped.pt", &["damaged", "checksum"]),
        ("no_tensors.pt", &["expected tensors, found none"]),
        ("sparse.pt", &["found none that can be read", "`torch._utils._rebuild_sparse_tensor`"]),
        ("nan.pt", &["expected finite values, found NaN"]),
        ("legacy.pth", &["PyTorch before 1.6", "convert it: python -c"]),
        ("pickled.pt", &["found a pickle"]),
        ("index.safetensors", &["JSON"]),
        ("arrays.npz", &[zip, "`w.npy`"]),
        ("packed.pt", &["`archive/data.pkl` is compressed"]),
        ("nested.pt", &["expected tensors, found none"]),
        ("doubled.pt", &["expected tensors, found none"]),
        ("unknown.pt", &["byte 2 of its pickle: an unknown instruction, 0xff"]),
        ("recursive.pt", &["expected tensors, found none"]),
        ("code.pt", &["expected tensors, found none"]),
    ];
    let mut files: Vec<_> = cases.iter().map(|(file, _)| *file).collect();
    files.sort_unstable();
    assert_eq!(names(&project, "bad"), files);
    for (file, parts) in cases {
        let begin = Instant::now();
        let output = encode(&project, &format!("bad/{file}"), &[]).exits_with(1);
        output.has_one_error_line();
        for part in ["error: bad/", file].iter().chain(parts) {
            assert!(output.err.contains(part), "{file}: {} lacks {part}", output.err);
        }
        assert!(begin.elapsed().as_secs() < 60, "{file} took {:?}", begin.elapsed());
    }
    assert!(!project.path("executed").exists(), "a pickle was executed");
    assert!(!project.path("embeddings.safetensors").exists(), "something was encoded");
}
