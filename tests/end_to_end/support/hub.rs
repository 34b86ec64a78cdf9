//! A mock of the Hugging Face hub on this machine, with the faults of networks and servers.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt::Write as _,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    thread,
};

use serde_json::json;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// What goes wrong with one response.
#[derive(Clone, Debug)]
pub enum Fault {
    /// A status other than success, with one more header.
    Status(u16, &'static str),
    /// The connection is cut after this many bytes of the body.
    Cut(usize),
    /// One byte of the body is wrong.
    WrongByte,
    /// The body is the whole file, whatever range was requested.
    WholeFile,
    /// The body and its Content-Length are this many bytes too short.
    Shorter(usize),
    /// The response is for a range that starts this many bytes later.
    LaterRange(usize),
}

/// A request that was received.
#[derive(Clone, Debug)]
pub struct Request {
    pub host: String,
    pub path: String,
    pub range: Option<String>,
    pub authorization: Option<String>,
    /// Bytes of the file that were sent.
    pub sent: usize,
}

/// A served file.
#[derive(Clone, Debug)]
pub struct Served {
    pub bytes: Vec<u8>,
    /// Whether it is in large file storage, on another host.
    pub lfs: bool,
    /// The size in the listing, if not the true one.
    pub listed: Option<u64>,
}

#[derive(Default)]
pub struct State {
    pub files: BTreeMap<String, Served>,
    /// The faults of the next responses, by path; `""` is the listing.
    pub faults: BTreeMap<String, VecDeque<Fault>>,
    pub requests: Vec<Request>,
}

/// The running server; it stops with the process of the tests.
pub struct Hub {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

impl Hub {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let state = Arc::<Mutex<State>>::default();
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = shared.clone();
                // Some tests close the connection early.
                thread::spawn(move || drop(answer(stream, port, &state)));
            }
        });
        Self { port, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panicked here")
    }

    pub fn serve(&self, path: &str, bytes: impl Into<Vec<u8>>, lfs: bool) {
        self.state().files.insert(path.into(), Served { bytes: bytes.into(), lfs, listed: None });
    }

    pub fn fail(&self, path: &str, faults: impl IntoIterator<Item = Fault>) {
        self.state().faults.entry(path.into()).or_default().extend(faults);
    }

    /// Takes the requests for the bytes of `path` so far, without those that were redirected.
    pub fn requests(&self, path: &str) -> Vec<Request> {
        let mut found = Vec::new();
        self.state().requests.retain(|request| {
            let hit = request.path.ends_with(path) && (request.sent > 0 || request.path.starts_with("/storage/"));
            if hit {
                found.push(request.clone());
            }
            !hit
        });
        found
    }
}

pub const REVISION: &str = "0123456789abcdef0123456789abcdef01234567";
const DATASET: &str = "/datasets/polymathic-ai/shear_flow";

fn answer(stream: TcpStream, port: u16, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut request = Request {
        host: String::new(),
        path: target.split('?').next().unwrap_or_default().into(),
        range: None,
        authorization: None,
        sent: 0,
    };
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "host" => request.host = value.into(),
            "range" => request.range = Some(value.into()),
            "authorization" => request.authorization = Some(value.into()),
            _ => {}
        }
    }
    let mut state = state.lock().expect("no other answer panicked");
    let response = respond(&mut request, port, &mut state);
    state.requests.push(request);
    drop(state);
    (&stream).write_all(&response)
}

fn respond(request: &mut Request, port: u16, state: &mut State) -> Vec<u8> {
    let (path, redirects) = if request.path == format!("/api{DATASET}/revision/main") {
        (String::new(), false)
    } else if let Some(path) = request.path.strip_prefix(&format!("{DATASET}/resolve/{REVISION}/")) {
        (path.to_owned(), true)
    } else if let Some(path) = request.path.strip_prefix("/storage/") {
        (path.to_owned(), false)
    } else {
        return head(404, &[], 0);
    };
    if redirects && state.files.get(&path).is_some_and(|file| file.lfs) {
        let location = format!("Location: http://localhost:{port}/storage/{path}?signature=s3cret");
        return head(302, &[&location], 0);
    }
    let fault = state.faults.get_mut(&path).and_then(VecDeque::pop_front);
    if let Some(Fault::Status(status, header)) = fault {
        return head(status, &[header], 0);
    }
    if path.is_empty() {
        let body = listing(state).into_bytes();
        let mut response = head(200, &["Content-Type: application/json"], body.len());
        response.extend(body);
        return response;
    }
    let Some(file) = state.files.get(&path) else { return head(404, &[], 0) };
    let total = file.bytes.len();
    let asked = request.range.as_ref().filter(|_| !matches!(fault, Some(Fault::WholeFile)));
    let start = asked.map_or(0, |r| r.trim_start_matches("bytes=").trim_end_matches('-').parse().expect("a start"));
    let start = if let Some(Fault::LaterRange(by)) = fault { start + by } else { start };
    let mut body = file.bytes[start..].to_vec();
    match fault {
        Some(Fault::WrongByte) => body[0] ^= 1,
        Some(Fault::Shorter(by)) => body.truncate(body.len() - by),
        _ => {}
    }
    let mut response = match asked {
        Some(_) => head(206, &[&format!("Content-Range: bytes {start}-{}/{total}", total - 1)], body.len()),
        None => head(200, &[], body.len()),
    };
    if let Some(Fault::Cut(after)) = fault {
        body.truncate(after);
    }
    request.sent = body.len();
    response.extend(body);
    response
}

fn head(status: u16, headers: &[&str], length: usize) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} Mock\r\nConnection: close\r\nContent-Length: {length}\r\n");
    for header in headers.iter().filter(|header| !header.is_empty()) {
        text += &format!("{header}\r\n");
    }
    (text + "\r\n").into_bytes()
}

/// The hub's answer to `api/datasets/NAME/revision/main?blobs=true`.
fn listing(state: &State) -> String {
    let siblings = state.files.iter().map(|(path, file)| {
        let size = file.listed.unwrap_or(file.bytes.len() as u64);
        let blob = hexadecimal(
            &Sha1::new_with_prefix(format!("blob {}\0", file.bytes.len())).chain_update(&file.bytes).finalize(),
        );
        match file.lfs {
            false => json!({ "rfilename": path, "size": size, "blobId": blob }),
            true => {
                let sha256 = hexadecimal(&Sha256::digest(&file.bytes));
                json!({ "rfilename": path, "size": size, "blobId": blob,
                        "lfs": { "sha256": sha256, "size": size, "pointerSize": 134 } })
            }
        }
    });
    json!({ "id": "polymathic-ai/shear_flow", "sha": REVISION, "siblings": siblings.collect::<Vec<_>>() }).to_string()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("strings take all");
        text
    })
}
