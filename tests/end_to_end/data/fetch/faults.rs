//! Faults of networks and servers.

use super::{Setting, data};
use crate::support::hub::Fault;

#[test]
fn after_cuts_and_busy_servers_no_byte_is_fetched_twice() {
    let setting = Setting::new();
    let size = setting.hub.state().files[&data("train")].bytes.len();
    let busy = |status| Fault::Status(status, "Retry-After: 0");
    setting.hub.fail("", [busy(429), Fault::Status(500, ""), busy(503)]);
    let faults = [busy(503), Fault::Cut(100), busy(429), Fault::Cut(0), Fault::Cut(1000), Fault::Status(500, "")];
    setting.hub.fail(&data("train"), faults);
    setting.hub.fail("stats.yaml", [Fault::Cut(3)]);
    setting.fetch(&[]).exits_with(0);
    assert!(setting.has_all());
    let requests = setting.hub.requests(&data("train"));
    let ranges: Vec<_> = requests.iter().map(|request| request.range.as_deref()).collect();
    let (after, later) = (Some("bytes=100-"), Some("bytes=1100-"));
    assert_eq!(ranges, [None, None, after, after, after, later, later]);
    assert_eq!(requests.iter().map(|request| request.sent).sum::<usize>(), size);
}

#[test]
fn the_next_call_continues_where_this_one_was_cut_off() {
    let setting = Setting::new();
    let size = setting.hub.state().files[&data("valid")].bytes.len();
    setting.hub.fail(&data("valid"), [Fault::Cut(2000)]);
    let error = setting.error(&["--tries", "1"]);
    assert!(
        error.contains(&data("valid")) && error.contains(&format!("2000 of {size} bytes are downloaded")),
        "{error}"
    );
    assert!(error.contains("run the same command again"), "{error}");
    assert!(setting.has(&data("train")) && !setting.has(&data("valid")));
    setting.hub.requests("");

    let listed = setting.fetch(&["--dry-run"]).exits_with(0).out;
    let states: Vec<_> = listed.lines().map(|line| line.split_whitespace().next().expect("a state")).collect();
    assert_eq!(states, ["here", "here", "here", "partial", "missing"], "{listed}");

    let output = setting.fetch(&[]).exits_with(0);
    assert!(output.err.lines().next().is_some_and(|line| line.contains("3 are here")), "{}", output.err);
    assert!(setting.has_all());
    let requests = setting.hub.requests(&data("valid"));
    assert_eq!(
        requests.iter().map(|r| (r.range.as_deref(), r.sent)).collect::<Vec<_>>(),
        [(Some("bytes=2000-"), size - 2000)]
    );
}

#[test]
fn a_server_without_ranges_starts_the_file_again() {
    let setting = Setting::new();
    setting.hub.fail(&data("train"), [Fault::Cut(500), Fault::WholeFile]);
    setting.fetch(&[]).exits_with(0);
    assert!(setting.has_all());
}

#[test]
fn wrong_bytes_are_discarded_and_named() {
    let setting = Setting::new();
    setting.hub.fail(&data("train"), [Fault::WrongByte]);
    setting.hub.fail("stats.yaml", [Fault::WrongByte]);
    let error = setting.error(&[]);
    assert!(error.contains("polymathic-ai/shear_flow/") && error.contains("wrong checksum"), "{error}");
    assert!(error.contains("and 1 more such") && error.contains("run the same command again"), "{error}");
    assert!(!setting.has(&data("train")) && !setting.has("stats.yaml"));
    assert_eq!(setting.parts("train"), [""; 0]);
    assert!(setting.has(&data("valid")) && setting.has(&data("test")), "the others are here all the same");
    setting.fetch(&[]).exits_with(0);
    assert!(setting.has_all());
}

#[test]
fn wrong_sizes_and_ranges_from_the_server_are_errors() {
    let setting = Setting::new();
    setting.hub.fail(&data("train"), [Fault::Shorter(7)]);
    let error = setting.error(&[]);
    assert!(
        error.contains(&data("train")) && error.contains("the hub lists") && error.contains("announces"),
        "{error}"
    );
    assert!(!setting.has(&data("train")));

    setting.hub.fail(&data("train"), [Fault::Cut(64), Fault::LaterRange(1)]);
    let error = setting.error(&[]);
    assert!(error.contains("bytes 65-") && error.contains("bytes 64-"), "{error}");
    setting.fetch(&[]).exits_with(0);
    assert!(setting.has_all());
}

#[test]
fn retries_are_bounded_and_client_errors_are_final() {
    let setting = Setting::new();
    setting.hub.fail("", vec![Fault::Status(502, ""); 99]);
    let error = setting.error(&["--tries", "3"]);
    assert!(error.contains("3 tries") && error.contains("502") && error.contains("HF_ENDPOINT"), "{error}");
    assert_eq!(setting.hub.state().requests.len(), 3);
    setting.hub.state().faults.clear();

    setting.hub.fail(&data("train"), vec![Fault::Status(500, ""); 99]);
    let error = setting.error(&["--tries", "4"]);
    assert!(error.contains(&data("train")) && error.contains("4 tries in a row made no progress"), "{error}");
    assert_eq!(setting.hub.requests(&data("train")).len(), 4);

    for (status, hint) in [(401, "HF_TOKEN"), (403, "HF_TOKEN"), (404, "nothing of this name"), (418, "418")] {
        setting.hub.state().faults.clear();
        setting.hub.fail(&data("train"), [Fault::Status(status, "")]);
        let error = setting.error(&[]);
        assert!(error.contains(&data("train")) && error.contains(hint), "{error}");
        assert_eq!(setting.hub.requests(&data("train")).len(), 1, "{status} is final");
    }
}
