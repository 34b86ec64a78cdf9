//! `tensorboard`, read by TensorBoard itself.

use crate::support::{Output, TestProject, micro_run, python};

#[test]
fn tensorboard_reads_the_curves() {
    let project = TestProject::new();
    let [zero, one] = [0, 1].map(|seed| micro_run(seed).display().to_string());
    project.run(["merge", "out", &zero, &one]).exits_with(0);
    let output = project.run(["tensorboard", "out"]).exits_with(0);
    assert!(output.out.contains("2 event files"), "{}", output.out);
    let output = project.run(["tensorboard", "nowhere"]).exits_with(2);
    assert!(output.err.contains("run.json"), "{}", output.err);

    let Some(mut python) = python("tensorboard") else { return };
    // What TensorBoard reads, against the lines of the curves.
    let script = "
import json, math, pathlib, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
out = pathlib.Path(sys.argv[1])
for lines in out.glob('cells/**/curves.jsonl'):
    expected = [json.loads(line) for line in lines.open()]
    events = EventAccumulator(str(out / 'tensorboard' / lines.parent.relative_to(out / 'cells')))
    events.Reload()
    names = {name for line in expected for name in line} - {'step'}
    assert set(events.Tags()['scalars']) == names, events.Tags()
    for name in names:
        found = [(event.step, event.value) for event in events.Scalars(name)]
        wanted = [(line['step'], line[name]) for line in expected if name in line]
        assert len(found) == len(wanted) > 0, name
        assert all(a == c and math.isclose(b, d, rel_tol=1e-6) for (a, b), (c, d) in zip(found, wanted)), name
    print('read')";
    let output: Output = python.args(["-c", script]).arg(project.path("out")).output().expect("python runs").into();
    assert_eq!((output.code, output.out.matches("read").count()), (Some(0), 2), "{}", output.err);
}
