//! A method that learns nothing: what a step takes is what handing its batch over takes. `tests/programs/nothing` is the same in another
//! process.

use std::collections::BTreeMap;

use physrep_plugin_api::{About, Batch, Method, Params, Result, Setup, Step, Tensor, export_method, nn::Linear};

struct Nothing {
    encoder: Linear,
}

impl Method for Nothing {
    type Config = BTreeMap<String, f64>;
    const ABOUT: About = About {
        name: "nothing-in-rust",
        summary: "Learns nothing, to measure what handing a batch over takes.",
        reference: "",
    };

    fn new(_: &Self::Config, _: &Setup, params: &Params) -> Result<Self> {
        Ok(Self { encoder: Linear::new(1, 1, params.pp("encoder"))? })
    }

    fn loss(&self, batch: &Batch, _: &Step) -> Result<Tensor> {
        Ok(self.encoder.forward(&Tensor::ones((1, 1), batch.clips.dtype(), batch.clips.device())?)?.sum_all()?)
    }

    fn encode(&self, batch: &Batch) -> Result<Tensor> {
        Ok(Tensor::zeros((batch.clips.dim(0)?, 1, 1), batch.clips.dtype(), batch.clips.device())?)
    }
}

export_method!(Nothing);
