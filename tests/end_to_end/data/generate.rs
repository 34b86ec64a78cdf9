//! `data generate`, killed.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::support::{Random, Running, Suite, TestProject, files_below, wait_until};

/// The finished trajectories in a system's folder. They are parts `SPLIT_INDEX.part`, until those of a file are complete; a kill may
/// leave both.
fn finished(folder: &Path) -> usize {
    let names = |folder: PathBuf| -> Vec<String> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    let parts = names(folder.join(".parts"));
    let of_split = |(split, in_file): (&str, usize)| {
        let is_written = names(folder.join("data").join(split)).contains(&format!("shear_flow_{split}_0000.hdf5"));
        let is_part = |name: &&String| name.starts_with(&format!("{split}_")) && name.ends_with(".part");
        if is_written { in_file } else { parts.iter().filter(is_part).count() }
    };
    FILES.into_iter().map(of_split).sum()
}

/// The trajectories in the file of each split of the micro suite.
const FILES: [(&str, usize); 4] = [("train", 8), ("valid", 4), ("test", 4), ("held_out", 3)];

#[test]
fn a_killed_generation_loses_the_trajectory_in_flight_and_ends_with_the_same_bytes() {
    let project = TestProject::new();
    // Each trajectory takes long enough to be killed in.
    project.write("slow.toml", Suite::Micro.text().replace("solve = [16, 32]", "solve = [48, 96]"));
    let arguments = |out: &'static str, threads: &'static str| {
        ["data", "generate", "shear_flow", "--suite", "./slow.toml", "--out", out, "--threads", threads]
    };
    let bytes = |name: &str| -> BTreeMap<PathBuf, Vec<u8>> {
        let files = files_below(&project.path(name)).into_iter();
        files.map(|(path, file)| (path, fs::read(file).expect("readable"))).collect()
    };
    project.run(arguments("whole", "2")).exits_with(0);
    let expected = bytes("whole");

    let mut random = Random::of("generate", 7);
    for threads in ["1", "2"] {
        let folder = project.path("killed").join("shear_flow");
        let mut kept = 0;
        for _ in 0..5 {
            let mut program = Running::start(project.command(arguments("killed", threads)));
            let enough = (kept + random.below(8)).min(18);
            wait_until("finished trajectories", || finished(&folder) >= enough || program.has_ended());
            program.kill();
            let now = finished(&folder);
            assert!(now >= kept, "of {kept} finished trajectories, {now} are left after a kill");
            kept = now;
        }
        let output = project.run(arguments("killed", threads)).exits_with(0);
        let solved = format!(" {} of 19 trajectories solved", 19 - kept);
        assert!(output.err.contains(&solved), "{kept} were finished; stderr was:\n{}", output.err);
        let found = bytes("killed");
        assert!(expected.keys().eq(found.keys()), "{:?}", found.keys());
        assert!(expected == found, "some bytes differ");
        fs::remove_dir_all(project.path("killed")).expect("removed");
    }
}
