//! Networks with an authority of their own, and with a proxy.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};

use super::Setting;
use crate::support::{fixture, python};

/// A server that encrypts what the hub answers, and a proxy.
struct Front {
    process: Child,
    secure: u16,
    proxy: u16,
}

impl Front {
    /// None without Python or openssl.
    fn start(setting: &Setting) -> Option<Self> {
        let mut python = python("ssl")?;
        let folder = setting.project.path("front");
        fs::create_dir_all(&folder).expect("writable");
        let port = setting.hub.port.to_string();
        let command = python.arg(fixture("programs/secure_front.py")).arg(&folder).arg(port);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("it is piped")).read_line(&mut line).expect("readable");
        let ports: Vec<u16> = line.split_whitespace().map(|port| port.parse().expect("a port")).collect();
        let [secure, proxy] = ports[..] else {
            process.wait().expect("it has ended");
            println!("SKIPPED: there is no openssl");
            return None;
        };
        Some(Self { process, secure, proxy })
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_private_authority_is_trusted_if_it_is_named_and_otherwise_not() {
    let setting = Setting::new();
    let Some(front) = Front::start(&setting) else { return };
    let endpoint = format!("https://localhost:{}", front.secure);
    let authority = setting.project.path("front/authority.pem").display().to_string();
    for variable in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"] {
        let _ = fs::remove_dir_all(setting.project.path("wells"));
        setting.fetch_with(&[], &[("HF_ENDPOINT", &endpoint), (variable, &authority)]).exits_with(0);
        assert!(setting.has_all(), "{variable}");
    }
    let unknown = setting.fetch_with(&["--tries", "1"], &[("HF_ENDPOINT", &endpoint)]).exits_with(1);
    assert!(unknown.err.contains("SSL_CERT_FILE"), "it says what to do: {}", unknown.err);
    for (file, expected) in [("nowhere.pem", "No such file"), ("front/server.key", "it has no certificate")] {
        let file = setting.project.path(file).display().to_string();
        let output = setting.fetch_with(&[], &[("HF_ENDPOINT", &endpoint), ("SSL_CERT_FILE", &file)]).exits_with(1);
        assert!(
            output.err.contains(&format!("SSL_CERT_FILE is {file}: ")) && output.err.contains(expected),
            "{}",
            output.err
        );
        output.has_one_error_line();
    }
}

#[test]
fn a_proxy_is_asked_except_for_hosts_that_need_none() {
    let setting = Setting::new();
    let Some(front) = Front::start(&setting) else { return };
    let endpoint = format!("https://localhost:{}", front.secure);
    let authority = setting.project.path("front/authority.pem").display().to_string();
    let proxy = format!("http://127.0.0.1:{}", front.proxy);
    let log = setting.project.path("front/proxied");
    let through = [("HF_ENDPOINT", &*endpoint), ("SSL_CERT_FILE", &authority), ("HTTPS_PROXY", &proxy)];
    setting.fetch_with(&[], &through).exits_with(0);
    assert!(setting.has_all());
    let proxied = fs::read_to_string(&log).expect("the proxy was asked");
    assert!(proxied.lines().any(|line| line == format!("CONNECT localhost:{}", front.secure)), "{proxied}");

    fs::remove_file(&log).expect("removable");
    fs::remove_dir_all(setting.project.path("wells")).expect("removable");
    let around = [&through[..], &[("NO_PROXY", "localhost")]].concat();
    setting.fetch_with(&[], &around).exits_with(0);
    assert!(setting.has_all() && !log.exists(), "the proxy was asked");

    let dead = [("HF_ENDPOINT", &*endpoint), ("SSL_CERT_FILE", &authority), ("HTTPS_PROXY", "http://127.0.0.1:1")];
    fs::remove_dir_all(setting.project.path("wells")).expect("removable");
    let output = setting.fetch_with(&["--tries", "1"], &dead).exits_with(1);
    assert!(output.err.contains("proxy"), "it says what may be the cause: {}", output.err);
}
