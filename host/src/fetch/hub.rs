//! The Well's data sets on the Hugging Face hub: their lists of files, and requests for files.
//!
//! [`hf_hub`] provides the hub's URLs, the endpoint (`HF_ENDPOINT`), and the token with its headers, which are dropped on a redirect to
//! another host. Its downloads neither resume nor verify, so only its requests are used here.

use std::{
    env,
    time::{Duration, SystemTime},
};

use hf_hub::{
    Cache, Repo, RepoType,
    api::sync::{Api, ApiBuilder, ApiRepo},
};
use serde::Deserialize;
use ureq::{Body, Proxy, http::Response};

use super::{
    certificates,
    checksum::Checksum,
    retry::{Failure, RetryPolicy, parse_retry_after},
};
use crate::error::{Error, Result};

/// The publisher of The Well.
const OWNER: &str = "polymathic-ai";

/// The timeout of connecting, of the response, and of each read.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A published file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteFile {
    /// Its path in the data set, such as `data/train/NAME.hdf5`.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// The checksum of its bytes.
    pub checksum: Checksum,
}

/// One data set at one revision.
pub(super) struct Dataset {
    /// `polymathic-ai/SYSTEM`
    pub name: String,
    /// The commit that all files are fetched from, so that they are consistent even if the data set changes during the download.
    pub revision: String,
    pub files: Vec<RemoteFile>,
    repo: ApiRepo,
}

#[derive(Deserialize)]
struct Info {
    sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    #[serde(rename = "blobId")]
    blob_id: Option<String>,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    sha256: String,
    size: u64,
}

impl Dataset {
    /// Requests the list of files of the data set of `system`.
    pub fn open(system: &str, retry: RetryPolicy) -> Result<Self> {
        let name = format!("{OWNER}/{system}");
        let fail = |reason: String| Error::Download { what: name.clone(), reason };
        let api = api().map_err(|e| fail(format!("the hub's client cannot be set up: {e}")))?;
        let main = api.repo(Repo::with_revision(name.clone(), RepoType::Dataset, "main".into()));

        let mut failures = 0;
        let text = loop {
            match list(&main, &name) {
                Ok(text) => break text,
                Err(Failure::Permanent(error)) => return Err(error),
                Err(Failure::Transient { reason, retry_after }) => {
                    failures += 1;
                    if failures >= retry.tries {
                        return Err(fail(format!(
                            "the hub does not list its files after {failures} tries: {reason}; try again later, or set \
                             HF_ENDPOINT to a mirror"
                        )));
                    }
                    std::thread::sleep(retry.wait(failures, retry_after));
                }
            }
        };
        let info: Info = serde_json::from_str(&text)
            .map_err(|e| fail(format!("the hub's list of files is not in the expected format: {e}")))?;
        // The revision becomes part of a URL.
        if info.sha.is_empty() || !info.sha.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(fail(format!("the hub gives the revision {:?}, which is not a commit", info.sha)));
        }
        let repo = api.repo(Repo::with_revision(name.clone(), RepoType::Dataset, info.sha.clone()));
        let files = info.siblings.into_iter().map(|s| s.file().map_err(fail)).collect::<Result<_>>()?;
        Ok(Self { name, revision: info.sha, files, repo })
    }

    /// Requests the bytes of a file from `start` on.
    pub fn request(&self, file: &RemoteFile, start: u64) -> Result<Response<Body>, Failure> {
        // hf-hub puts its headers only on requests for information, so this one is redirected to the file's URL.
        let mut request = self.repo.info_request().uri(self.repo.url(&file.path)).header("Accept-Encoding", "identity");
        if start > 0 {
            request = request.header("Range", format!("bytes={start}-"));
        }
        call(request, &format!("{}/{}", self.name, file.path))
    }
}

impl Sibling {
    fn file(self) -> Result<RemoteFile, String> {
        let (size, checksum) = match (self.lfs, self.size, self.blob_id) {
            (Some(lfs), _, _) => (lfs.size, Checksum::Sha256(lfs.sha256)),
            (None, Some(size), Some(blob)) => (size, Checksum::GitBlob(blob)),
            _ => return Err(format!("the hub lists {} without size or checksum", self.rfilename)),
        };
        if !checksum.is_well_formed() {
            return Err(format!("the hub lists {} with an invalid checksum", self.rfilename));
        }
        Ok(RemoteFile { path: self.rfilename, size, checksum })
    }
}

fn api() -> Result<Api, hf_hub::api::sync::ApiError> {
    // Without a home folder there is no token file, and hf-hub would panic when it looks for one.
    let cache = match env::var_os("HF_HOME").is_some() || env::home_dir().is_some() {
        true => Cache::from_env(),
        false => Cache::new("/".into()),
    };
    let mut builder = ApiBuilder::from_cache(cache).with_progress(false);
    if let Ok(endpoint) = env::var("HF_ENDPOINT") {
        builder = builder.with_endpoint(endpoint.trim_end_matches('/').into());
    }
    match env::var("HF_TOKEN") {
        Ok(token) if !token.trim().is_empty() => builder = builder.with_token(Some(token.trim().into())),
        _ => {}
    }
    builder.build()
}

fn list(repo: &ApiRepo, name: &str) -> Result<String, Failure> {
    call(repo.info_request().query("blobs", "true"), name)?.body_mut().read_to_string().map_err(Failure::transient)
}

fn call(request: ureq::RequestBuilder<ureq::typestate::WithoutBody>, what: &str) -> Result<Response<Body>, Failure> {
    let fail = |reason: String| Failure::Permanent(Error::Download { what: what.into(), reason });
    let request = request
        .config()
        .tls_config(certificates::tls().map_err(fail)?)
        .http_status_as_error(false)
        .timeout_connect(Some(TIMEOUT))
        .timeout_recv_response(Some(TIMEOUT))
        .timeout_per_read(Some(TIMEOUT))
        .build();
    let response = request.call().map_err(|error| match error {
        ureq::Error::Http(_) | ureq::Error::BadUri(_) | ureq::Error::InvalidProxyUrl => {
            fail(format!("{error}; check HF_ENDPOINT, HF_TOKEN and the proxy's settings"))
        }
        ureq::Error::TooManyRedirects => fail("the hub redirects without end".into()),
        error if error.to_string().contains("certificate") => fail(format!(
            "{error}; if your network has a certificate authority of its own, name the file of its certificate in SSL_CERT_FILE"
        )),
        // Even a failed name lookup may be an outage. The reason of the last try is reported.
        error => Failure::transient(format!("{error}{}", by_proxy())),
    })?;
    let status = response.status();
    match status.as_u16() {
        200 | 206 => Ok(response),
        401 | 403 => Err(fail(format!("the hub refuses access ({status}); set HF_TOKEN to a token that may read it"))),
        404 => Err(fail(format!("the hub has nothing of this name ({status})"))),
        408 | 429 | 500..=599 => {
            let header = response.headers().get("Retry-After").and_then(|value| value.to_str().ok());
            let retry_after = header.and_then(|value| parse_retry_after(value, SystemTime::now()));
            Err(Failure::Transient { reason: format!("the hub answers {status}"), retry_after })
        }
        _ => Err(fail(format!("the hub answers {status}; expected 200 or 206"))),
    }
}

/// The proxy that connections go through, for messages; without its password.
fn by_proxy() -> String {
    Proxy::try_from_env().map_or_else(String::new, |proxy| format!(", by the proxy {}:{}", proxy.host(), proxy.port()))
}
