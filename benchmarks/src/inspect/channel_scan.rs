//! Goes through the values of one channel frame by frame: statistics, values that are not finite, frames without
//! variation.

use super::findings::{Finding, Findings};
use super::report::ChannelReport;
use crate::well::Moments;

/// What has been seen of a channel so far.
pub(super) struct ChannelScan {
    name: String,
    /// What findings call it, such as `t1_fields/velocity`, and the index behind trajectory and frame.
    place: String,
    /// Points along `y`.
    row: usize,
    component: Option<usize>,
    range: Option<[f32; 2]>,
    values: Moments,
    deltas: Moments,
    /// The frame before, if it was finite.
    previous: Vec<f32>,
    /// For each trajectory, how many frames it has and which of them are the same everywhere.
    trajectories: Vec<(usize, Vec<usize>)>,
}

impl ChannelScan {
    /// A channel whose frames have rows of `row` points. `component` is the last index in the dataset at `place`, if it
    /// has one.
    pub fn new(name: String, place: String, row: usize, component: Option<usize>) -> Self {
        Self {
            name,
            place,
            row,
            component,
            range: None,
            values: Moments::default(),
            deltas: Moments::default(),
            previous: Vec::new(),
            trajectories: Vec::new(),
        }
    }

    /// The frames that follow belong to the next trajectory.
    pub fn begin_trajectory(&mut self) {
        self.previous.clear();
        self.trajectories.push((0, Vec::new()));
    }

    /// Adds the next frame: the channel's values at all points, row-major.
    pub fn frame(&mut self, now: &[f32], findings: &mut Findings) {
        let trajectory = self.trajectories.len().saturating_sub(1);
        let Some((frames, constant)) = self.trajectories.last_mut() else { return };
        let frame = *frames;
        *frames += 1;
        if let Some(at) = now.iter().position(|v| !v.is_finite()) {
            let others = now[at + 1..].iter().filter(|v| !v.is_finite()).count();
            let index = [at / self.row, at % self.row].into_iter().chain(self.component);
            let index: String = index.map(|i| format!(", {i}")).collect();
            let more = if others > 0 { format!(" (and {others} more in this frame)") } else { String::new() };
            findings.add(Finding::error(
                format!("{}[{trajectory}, {frame}{index}]", self.place),
                format!("expected finite values, found {}{more}", now[at]),
            ));
            self.previous.clear();
            return;
        }
        let (low, high) = now.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
        if low == high {
            constant.push(frame);
        }
        if low <= high {
            let [l, h] = self.range.unwrap_or([low, high]);
            self.range = Some([l.min(low), h.max(high)]);
        }
        self.values = self.values.merge(Moments::of(now.iter().map(|&v| f64::from(v))));
        if self.previous.len() == now.len() {
            let deltas = now.iter().zip(&self.previous).map(|(&now, &before)| f64::from(now) - f64::from(before));
            self.deltas = self.deltas.merge(Moments::of(deltas));
        }
        self.previous.clear();
        self.previous.extend_from_slice(now);
    }

    /// The channel's report. A frame that is the same everywhere is an error where other frames vary; but not at the
    /// start, where fluids rest, and not in a channel that never varies, which `constant` reports.
    pub fn finish(self, findings: &mut Findings) -> ChannelReport {
        let varies = |(frames, constant): &(usize, Vec<usize>)| constant.len() < *frames;
        let read = self.trajectories.iter().any(|(frames, _)| *frames > 0);
        let constant = read && !self.trajectories.iter().any(varies);
        if !constant {
            for (trajectory, (frames, without)) in self.trajectories.iter().enumerate() {
                let place = |frame: &str| format!("{}[{trajectory}{frame}]", self.place);
                let expected = format!("expected {} to vary in space, found the same value everywhere", self.name);
                if *frames == 0 {
                    continue;
                }
                if without.len() == *frames {
                    findings.add(Finding::error(place(""), format!("{expected} in every frame")));
                    continue;
                }
                for frames in without.chunk_by(|a, b| a + 1 == *b).filter(|frames| *frames != [0]) {
                    let [first, last] = [frames[0], frames[frames.len() - 1]];
                    let range = if first == last { format!(", {first}") } else { format!(", {first}..{}", last + 1) };
                    findings.add(Finding::error(place(&range), expected.clone()));
                }
            }
        }
        ChannelReport { name: self.name, range: self.range, values: self.values, deltas: self.deltas, constant }
    }
}

/// Finds trajectories of one file that have the values of an earlier one.
pub(super) fn repeats(hashes: &[Option<String>], findings: &mut Findings) {
    for (index, hash) in hashes.iter().enumerate().filter(|(_, hash)| hash.is_some()) {
        if let Some(first) = hashes[..index].iter().position(|h| h == hash) {
            let message = format!("expected a trajectory that occurs once, found the values of trajectory {first}");
            findings.add(Finding::error(format!("trajectory {index}"), message));
        }
    }
}
