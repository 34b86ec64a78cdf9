//! The probe library, built for the CPU: its fits are those of this program, and what it refuses says what to do.

use std::{path::PathBuf, sync::LazyLock};

use physrep_evaluation::{AttentiveConfig, Embeddings, KnnConfig, LabelledEmbeddings, MlpConfig, Probe, RidgeConfig};
use physrep_random::Stream;
use physrep_records::{Device, ProbeLibraryFile, files};
use physrep_statistics::Labels;

use crate::{plugin_sources::PluginSource, probe_library::OpenedProbeLibrary};

const SEEDS: [u64; 2] = [3, 3 + (1 << 32)];

/// The library, built once.
fn library() -> ProbeLibraryFile {
    static PATH: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).with_file_name("probe-library");
        PluginSource::Crate(folder).library(Device::Cpu, &|_| ()).expect("it builds")
    });
    file(PATH.clone())
}

fn file(path: PathBuf) -> ProbeLibraryFile {
    ProbeLibraryFile { checksum: files::checksum(&path).expect("readable"), path }
}

fn split(name: &str, n: usize) -> LabelledEmbeddings {
    let (tokens, dim) = (3, 8);
    let [mut values, mut labels] = [vec![0.0; n * tokens * dim], vec![0.0; n * 2]];
    let mut rng = Stream::new(0, name, 0);
    rng.fill_normal(&mut values);
    rng.fill_normal(&mut labels);
    let names = vec!["a".to_owned(), "b".to_owned()];
    let labels = Labels { values: labels, names, trajectory: (0..n as u32).map(|window| window / 2).collect() };
    LabelledEmbeddings::new(name, Embeddings { values, n, tokens, dim }, labels).expect("a split")
}

fn attentive(epochs: usize) -> Probe {
    Probe::Attentive(AttentiveConfig { epochs, batch: 8, ..AttentiveConfig::default() })
}

#[test]
fn a_fit_in_the_library_has_the_bytes_of_a_fit_in_this_program() {
    let library = OpenedProbeLibrary::open(&library(), Device::Cpu).expect("it opens");
    let (train, valid, test) = (split("train", 30), split("valid", 12), split("test", 10));
    let mlp = Probe::Mlp(MlpConfig { hidden: 16, epochs: 3, ..MlpConfig::default() });
    let (ridge, knn) = (Probe::Ridge(RidgeConfig::default()), Probe::Knn(KnnConfig::default()));
    for probe in [attentive(3), mlp, ridge, knn, Probe::Mean] {
        let scored = [&valid, &test];
        let fits = library.fit(&probe, &SEEDS, Device::Cpu, [&train, &valid], &scored).expect("fits");
        assert_eq!(fits.len(), SEEDS.len());
        for (fit, seed) in fits.iter().zip(SEEDS) {
            let own = probe.fit(&train, &valid, seed).expect("a fit");
            assert_eq!(fit.record, serde_json::json!(own.record()), "{}", probe.name());
            let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            for (predicted, split) in fit.predictions.iter().zip(scored) {
                let expected = own.predict(split).expect("predictions");
                assert_eq!(bits(predicted), bits(&expected), "{} on {}", probe.name(), split.name());
            }
        }
    }
}

#[test]
fn an_error_in_the_library_is_that_of_the_probe() {
    let library = OpenedProbeLibrary::open(&library(), Device::Cpu).expect("it opens");
    let (train, valid) = (split("train", 10), split("valid", 8));
    let refused = |device, probe: &Probe| {
        library.fit(probe, &SEEDS, device, [&train, &valid], &[&valid]).expect_err("an error").to_string()
    };
    let setting = refused(Device::Cpu, &attentive(0));
    assert!(setting.contains("attentive.epochs") && setting.contains("probe_library"), "{setting}");
    let gpu = refused(Device::Cuda(1), &attentive(1));
    assert!(gpu.contains("attentive probe: ") && gpu.contains("without the feature `cuda`"), "{gpu}");
}

#[test]
fn a_library_that_does_not_fit_is_refused_with_what_to_do() {
    let refused =
        |file: &ProbeLibraryFile, device| OpenedProbeLibrary::open(file, device).err().expect("an error").to_string();
    let own = library();
    let for_the_cpu = refused(&own, Device::Cuda(0));
    assert!(for_the_cpu.contains("for the CPU alone") && for_the_cpu.contains("--features cuda"), "{for_the_cpu}");
    let changed = refused(&ProbeLibraryFile { checksum: "another".into(), ..own }, Device::Cpu);
    assert!(changed.contains("changed since this cell was planned; run the same command again"), "{changed}");

    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = folder.path().join("text.so");
    std::fs::write(&text, "no library").expect("writable");
    let text = refused(&file(text), Device::Cpu);
    assert!(text.contains("text.so: it cannot be opened") && text.contains("build it from the sources"), "{text}");
    // A method's library has a root module, too, and another one.
    let method = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../plugins/autoencoder");
    let method = PluginSource::Crate(method).library(Device::Cpu, &|_| ()).expect("it builds");
    let method = refused(&file(method), Device::Cpu);
    assert!(method.contains("build it from the sources"), "{method}");
}
