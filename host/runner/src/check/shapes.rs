//! The shapes of a suite's clips, without its data.

use physrep_benchmarks::{
    Split,
    suite::{Suite, SystemSuite},
    systems,
};
use physrep_conformance::{SuiteShape, SystemShape};
use serde_json::Value;

/// The systems of a suite as a method with this configuration will see them. A suite whose files are downloaded has as many windows as its
/// pretraining has samples, for want of better.
pub fn suite_shapes(suite: &Suite, config: &Value) -> Vec<SuiteShape> {
    let shape = |section: &SystemSuite| {
        let system = systems::named(&section.name).ok()?;
        let [height, width] = section.resize.unwrap_or_else(|| match section.crop {
            Some(crop) => crop.map(|[first, end]| end - first),
            None => section.store,
        });
        Some(SuiteShape {
            suite: suite.name.clone(),
            system: section.name.clone(),
            shape: SystemShape {
                channels: system.fields().iter().map(|field| field.rank.components()).sum(),
                size: [height, width],
            },
            context_frames: suite.window.context,
            future_frames: suite.window.future,
            batch: suite.pretrain.batch,
            steps: suite.pretrain.steps(),
            windows: windows(suite, section),
            config: config.clone(),
        })
    };
    suite.systems.iter().filter_map(shape).collect()
}

/// The windows of all splits.
fn windows(suite: &Suite, section: &SystemSuite) -> usize {
    let plan = section.window(&suite.window);
    let of_split = |split: Split| {
        let Some(generation) = &section.generate else { return suite.pretrain.samples as usize };
        let starts = (section.frames + 1).saturating_sub(plan.frames()).saturating_sub(plan.first);
        generation.trajectories[split] * starts.div_ceil(plan.stride[split])
    };
    section.splits().map(of_split).sum()
}
