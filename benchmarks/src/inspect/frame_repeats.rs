//! Finds frames with the values of other frames: repeated frames, early ends, frozen fields.

use std::collections::HashMap;

use blake3::Hash;

use super::findings::{Finding, Findings};

/// The frames of one trajectory by the hashes of their values, for each field; none if they could not all be read.
pub(super) type FrameHashes = Option<Vec<Vec<Hash>>>;

/// Adds what is found in the trajectories of a file. `fields` are the places of its fields, and whether a field is the same everywhere in
/// every frame, which is reported elsewhere.
pub(super) fn check(fields: &[(String, bool)], trajectories: &[FrameHashes], findings: &mut Findings) {
    for (trajectory, hashes) in trajectories.iter().enumerate() {
        if let Some(hashes) = hashes {
            whole_frames(trajectory, &frames(hashes), findings);
        }
    }
    for (index, (place, constant)) in fields.iter().enumerate() {
        if !constant {
            one_field(index, place, trajectories, findings);
        }
    }
}

/// For each frame, the first one that has the same values in every field.
fn frames(fields: &[Vec<Hash>]) -> Vec<usize> {
    let count = fields.first().map_or(0, Vec::len);
    let mut first = HashMap::new();
    (0..count)
        .map(|frame| {
            let values: Vec<&Hash> = fields.iter().map(|hashes| &hashes[frame]).collect();
            *first.entry(values).or_insert(frame)
        })
        .collect()
}

/// Frames that repeat another one in every field: an error, unless nothing changes any more from there to the end. A flow may come to
/// rest, so that this alone is a warning.
fn whole_frames(trajectory: usize, same: &[usize], findings: &mut Findings) {
    let place = format!("trajectory {trajectory}");
    let count = same.len();
    let Some(&last) = same.last() else { return };
    let mut end = count;
    if same[last..].iter().all(|&first| first == last) && last + 1 < count {
        let rest = range(last + 1, count);
        let found =
            format!("found the values of frame {last} in every field of {rest}; it ends early, or came to rest");
        findings.add(Finding::warning(&place, format!("expected every frame to differ, {found}")));
        end = last;
    }
    let repeats: Vec<usize> = (0..end).filter(|&frame| same[frame] < frame).collect();
    // A piece that was copied repeats one frame after the other; a frame that stands several times, always the same one.
    let continues = |a: &usize, b: &usize| a + 1 == *b && (same[*b] == same[*a] || same[*b] == same[*a] + 1);
    for run in repeats.chunk_by(continues) {
        let [first, end] = [run[0], run[run.len() - 1] + 1];
        let found = range(same[first], same[end - 1] + 1);
        findings.add(Finding::error(
            format!("{place}, {}", range(first, end)),
            format!("expected no frame twice, found the values of {found} in every field"),
        ));
    }
}

/// A field that does not change from one frame to the next although others do.
fn one_field(index: usize, place: &str, trajectories: &[FrameHashes], findings: &mut Findings) {
    let still = |fields: &Vec<Vec<Hash>>| fields[index].windows(2).all(|pair| pair[0] == pair[1]);
    let complete: Vec<&Vec<Vec<Hash>>> = trajectories.iter().flatten().collect();
    if complete.len() == trajectories.len() && complete.iter().all(|fields| fields[index].len() > 1 && still(fields)) {
        let message =
            "expected it to change in time, found the same values in every frame; fine if it does not depend on time";
        findings.add(Finding::warning(place, message));
        return;
    }
    for (trajectory, fields) in trajectories.iter().enumerate() {
        let Some(fields) = fields else { continue };
        let repeats = |field: &[Hash], frame: usize| field[frame] == field[frame - 1];
        let alone =
            |&frame: &usize| repeats(&fields[index], frame) && !fields.iter().all(|field| repeats(field, frame));
        let frames: Vec<usize> = (1..fields[index].len()).filter(alone).collect();
        for run in frames.chunk_by(|a, b| a + 1 == *b) {
            let [first, end] = [run[0], run[run.len() - 1] + 1];
            findings.add(Finding::warning(
                format!("{place}, trajectory {trajectory}, {}", range(first, end)),
                format!("expected it to change as other fields do, found the values of frame {}", first - 1),
            ));
        }
    }
}

/// `frame 8`, or `frames 8..12`.
fn range(first: usize, end: usize) -> String {
    if first + 1 == end { format!("frame {first}") } else { format!("frames {first}..{end}") }
}

#[cfg(test)]
mod tests {
    use super::super::findings::Severity;
    use super::*;

    /// What is found in trajectories whose fields have these values in their frames, one digit a frame.
    fn found(trajectories: &[&[&str]]) -> Vec<String> {
        let hashes = |field: &&str| field.bytes().map(|byte| blake3::hash(&[byte])).collect();
        let trajectories: Vec<FrameHashes> =
            trajectories.iter().map(|fields| Some(fields.iter().map(hashes).collect())).collect();
        let mut findings = Findings::default();
        check(&[("a".into(), false), ("b".into(), false)], &trajectories, &mut findings);
        let line = |finding: &Finding| {
            let mark = if finding.severity == Severity::Error { "!" } else { "?" };
            format!("{mark}{finding}").replace("expected every frame to differ, found the values of", "=")
        };
        findings.listed.iter().map(line).collect()
    }

    #[test]
    fn each_kind_of_repetition_is_told() {
        assert_eq!(found(&[&["01234", "56789"], &["12340", "67895"]]), [""; 0]);
        let own = "expected no frame twice, found the values of";
        assert_eq!(found(&[&["01123", "56678"]]), [format!("!trajectory 0, frame 2: {own} frame 1 in every field")]);
        assert_eq!(
            found(&[&["0120123", "5675678"]]),
            [format!("!trajectory 0, frames 3..6: {own} frames 0..3 in every field")]
        );
        assert_eq!(
            found(&[&["011123", "566678"]]),
            [format!("!trajectory 0, frames 2..4: {own} frame 1 in every field")]
        );
        let end = "it ends early, or came to rest";
        assert_eq!(
            found(&[&["01222", "56777"]]),
            [format!("?trajectory 0: = frame 2 in every field of frames 3..5; {end}")]
        );
        assert_eq!(
            found(&[&["000", "555"]])[0],
            format!("?trajectory 0: = frame 0 in every field of frames 1..3; {end}")
        );
        assert_eq!(found(&[&["0120", "5675"]]), [format!("!trajectory 0, frame 3: {own} frame 0 in every field")]);
        let change = "expected it to change as other fields do, found the values of frame";
        assert_eq!(found(&[&["01112", "56789"]]), [format!("?a, trajectory 0, frames 2..4: {change} 1")]);
        let still = found(&[&["000", "567"], &["111", "789"]]);
        assert_eq!(still.len(), 1);
        assert!(still[0].starts_with("?a: expected it to change in time"), "{still:?}");
    }

    #[test]
    fn what_was_not_read_is_not_judged() {
        let mut findings = Findings::default();
        check(&[("a".into(), false)], &[None, None], &mut findings);
        assert_eq!(findings, Findings::default());
    }
}
