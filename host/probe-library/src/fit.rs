//! Answers a request for fits.

use std::error::Error;

use physrep_evaluation::{Probe, ProbeRecord};
use physrep_probe_interface::{Fit, FitRequest};

use crate::{device, split::labelled};

/// The fits that a request asks for, one for each of its seeds.
pub(crate) fn fit(request: &FitRequest<'_>) -> Result<Vec<Fit>, Box<dyn Error>> {
    let device = device::open(request.gpu.into_option())?;
    let probe: Probe = serde_json::from_str(request.probe.as_str())?;
    let (train, valid) = (labelled(&request.train)?, labelled(&request.valid)?);
    if device.is_cpu() {
        let of_seed = |&seed| {
            let fitted = probe.fit(&train, &valid, seed)?;
            let of_split = |view| Ok(fitted.predict(&labelled(view)?)?);
            answer(&fitted.record(), request.scored.iter().map(of_split).collect::<Result<_, Box<dyn Error>>>()?)
        };
        return request.seeds.iter().map(of_seed).collect();
    }
    let fits = probe.fit_stacked(&train, &valid, &request.seeds, &device)?;
    let mut predictions = vec![Vec::new(); request.seeds.len()];
    for view in request.scored.iter() {
        let split = labelled(view)?;
        for (of_fit, predicted) in predictions.iter_mut().zip(fits.predict(&split)?) {
            of_fit.push(predicted);
        }
    }
    fits.records().iter().zip(predictions).map(|(record, predictions)| answer(record, predictions)).collect()
}

fn answer(record: &ProbeRecord, predictions: Vec<Vec<f32>>) -> Result<Fit, Box<dyn Error>> {
    let predictions = predictions.into_iter().map(Into::into).collect();
    Ok(Fit { record: serde_json::to_string(record)?.into(), predictions })
}
