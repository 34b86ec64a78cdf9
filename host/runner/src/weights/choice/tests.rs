//! Names as trainers leave them, against the names of a method.

use super::*;

/// Parameters of an encoder of two blocks.
const WANTED: [(&str, &[u64]); 3] =
    [("encoder.stem.weight", &[4, 2]), ("encoder.blocks.0.weight", &[4, 4]), ("encoder.blocks.1.weight", &[4, 4])];

fn wanted() -> Vec<Wanted> {
    WANTED.map(|(name, shape)| Wanted { name: name.into(), shape: shape.into() }).into()
}

/// A file, tensor by tensor.
#[derive(Default)]
struct File(Vec<NamedTensor>);

impl File {
    fn with(mut self, name: &str, shape: &[u64], dictionary: usize) -> Self {
        let tensor = self.0.len();
        self.0.push(NamedTensor { name: name.into(), shape: shape.into(), dictionary, tensor });
        self
    }

    /// Adds the encoder with `beginning` in place of `encoder.`.
    fn encoder(self, beginning: &str, dictionary: usize) -> Self {
        WANTED
            .iter()
            .fold(self, |file, (name, shape)| file.with(&name.replace("encoder.", beginning), shape, dictionary))
    }

    fn choose(&self) -> Result<Vec<usize>, String> {
        choose(&wanted(), &self.0, None)
    }

    #[track_caller]
    fn refused(&self, parts: &[&str]) {
        let reason = self.choose().expect_err("refused");
        assert!(parts.iter().all(|part| reason.contains(part)), "{reason} lacks one of {parts:?}");
    }
}

#[test]
fn prefixes_and_keys_of_trainers_are_found() {
    for beginning in [
        "encoder.",
        "",
        "module.",
        "_orig_mod.",
        "module._orig_mod.encoder.",
        "model.encoder.",
        "encoder._orig_mod.",
        "state_dict.model.net.encoder.",
        "module.module.backbone.",
        "ema.shadow.",
        "encoder._modules.",
        "models.0.encoder.module.",
    ] {
        let file = File::default().with("optimizer.state.0.exp_avg", &[4, 2], 1).encoder(beginning, 0);
        assert_eq!(file.choose(), Ok(vec![1, 2, 3]), "{beginning}");
    }
    let inner = File::default()
        .with("encoder.stem.weight", &[4, 2], 0)
        .with("encoder.blocks.0._orig_mod.weight", &[4, 4], 0)
        .with("encoder.blocks.1._checkpoint_wrapped_module._fsdp_wrapped_module.weight", &[4, 4], 0);
    assert_eq!(inner.choose(), Ok(vec![0, 1, 2]));
}

#[test]
fn a_whole_network_has_one_encoder() {
    let teacher = File::default().encoder("module.encoder.", 0).encoder("module.teacher.", 0);
    assert_eq!(teacher.with("module.predictor.weight", &[4], 0).choose(), Ok(vec![0, 1, 2]));
    let inside = File::default().encoder("model.encoder.", 0).encoder("model.ema.encoder.", 1);
    assert_eq!(inside.choose(), Ok(vec![0, 1, 2]));
    let parts = File::default().encoder("target_encoder.module.", 0).encoder("encoder.module.", 1);
    assert_eq!(parts.choose(), Ok(vec![3, 4, 5]));
}

#[test]
fn the_same_tensors_under_two_keys_are_one_place() {
    let mut file = File::default().encoder("state_dict.", 0).encoder("model.", 0);
    for index in 0..3 {
        file.0[3 + index].tensor = index;
    }
    assert_eq!(file.choose(), Ok(vec![0, 1, 2]));
}

#[test]
fn several_places_are_told_and_one_can_be_named() {
    let file = File::default().encoder("model.encoder.", 0).encoder("ema.module.encoder.", 1);
    file.refused(&["found several that fit: at `ema.module`, at `model`; name one with --key"]);
    assert_eq!(choose(&wanted(), &file.0, Some("ema")), Ok(vec![3, 4, 5]));
    assert_eq!(choose(&wanted(), &file.0, Some("model.encoder")), Ok(vec![0, 1, 2]));
    let reason = choose(&wanted(), &file.0, Some("mode")).expect_err("refused");
    assert!(reason.contains("--key mode") && reason.contains("`ema`, `model`"), "{reason}");
    File::default()
        .encoder("encoder.", 0)
        .encoder("module.encoder.", 1)
        .refused(&["3 there more than once: `encoder.stem.weight`, `module.encoder.stem.weight`"]);
}

#[test]
fn a_part_of_a_network_is_never_loaded() {
    let deeper = File::default().encoder("encoder.", 0).with("encoder.blocks.2.weight", &[4, 4], 0);
    deeper.refused(&[
        "expected the 3 parameters of the encoder, found more at the top of the file: `encoder.blocks.2.weight`",
    ]);
    let head = File::default().encoder("", 0).with("head.weight", &[9, 4], 0);
    head.refused(&["found more", "`head.weight`"]);
    let deeper = File::default().encoder("model.", 0).with("model.blocks.2.weight", &[4, 4], 1);
    deeper.refused(&["found more at `model`: `model.blocks.2.weight`"]);
    let shallow = File::default().with("m.stem.weight", &[4, 2], 0).with("m.blocks.0.weight", &[4, 4], 0);
    shallow.refused(&["at `m`: 1 missing: `encoder.blocks.1.weight`"]);
}

#[test]
fn misfits_are_counted_and_named_beside_what_is_there() {
    let mut wide = File::default().encoder("net.", 0);
    wide.0[1].shape = vec![8, 8];
    wide.refused(&["at `net`: 1 of another shape: `net.blocks.0.weight` [8, 8] in place of [4, 4]"]);
    let renamed = ["a", "b", "c", "d"].iter().fold(File::default(), |file, name| file.with(name, &[4, 2], 0));
    renamed.refused(&[
        "expected the 3 parameters of the encoder, `encoder.stem.weight`",
        "found other names (4): `a`, `b`, `c` and 1 more",
    ]);
    File::default().with("x.stem.weight", &[4, 2], 0).with("x.layers.0.weight", &[4, 4], 0).refused(&[
        "2 missing: `encoder.blocks.0.weight`, `encoder.blocks.1.weight`; 1 others there: `x.layers.0.weight`",
    ]);
}

#[test]
fn names_without_a_path_and_with_the_words_of_wrappers_are_names() {
    let plain = |name: &str| vec![Wanted { name: name.into(), shape: vec![4] }];
    let file = File::default().with("w", &[4], 0).with("training.step", &[], 0);
    assert_eq!(choose(&plain("w"), &file.0, None), Ok(vec![0]));
    let file = File::default().with("encoder.module.w", &[4], 0).with("encoder.w", &[4], 0);
    let both = [plain("encoder.module.w"), plain("encoder.w")].concat();
    assert_eq!(choose(&both, &file.0, None), Ok(vec![0, 1]));
}
