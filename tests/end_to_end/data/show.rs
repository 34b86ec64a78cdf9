//! `data show`.

use std::fs;

use crate::support::{Output, Picture, Suite, TestProject};

#[test]
fn pictures_are_the_same_bytes_for_any_number_of_threads() {
    let project = TestProject::new();
    let micro = Suite::Micro.path().display().to_string();
    let draw = |out: &str, threads: &str, more: &[&str]| -> Output {
        let arguments = ["data", "show", "shear_flow", "--suite", &micro, "--out", out];
        let mut command = project.command(arguments.iter().chain(more));
        command.env("RAYON_NUM_THREADS", threads).output().expect("the program runs").into()
    };
    for (out, threads) in [("one.png", "1"), ("two.png", "2")] {
        let output = draw(out, threads, &[]).exits_with(0);
        assert!(output.err.contains(out), "{}", output.err);
    }
    assert!(fs::read(project.path("one.png")).expect("there") == fs::read(project.path("two.png")).expect("there"));
    draw("fine.png", "2", &["--resolution", "24x48", "--field", "vorticity"]).exits_with(0);
    let [fine, one] = ["fine.png", "one.png"].map(|name| Picture::open(&project.path(name)));
    assert_eq!((one.width, one.rgb.len()), (1600, 3 * 1600 * one.height));
    assert_ne!(fine.rgb, one.rgb);
    for wrong in ["24", "24x", "0x9", "24x48x2", "99999x3"] {
        let output = draw("no.png", "1", &["--resolution", wrong]).exits_with(2);
        assert!(output.err.contains("128x256"), "{}", output.err);
    }
    assert!(!project.path("no.png").exists());
}
