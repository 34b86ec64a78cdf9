//! The certificate authorities that a server may be vouched for by: Mozilla's, or those of a file, as networks that inspect their traffic
//! have one.

use std::{env, path::PathBuf};

use physrep_benchmarks::regular_file;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// The variables that name such a file to OpenSSL, to Python and to curl. The first that is set counts.
const VARIABLES: [&str; 3] = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"];

/// The settings of encrypted connections.
///
/// # Errors
///
/// If the file that a variable names cannot be read, or has no certificate.
pub fn tls() -> Result<TlsConfig, String> {
    let named = VARIABLES.iter().find_map(|name| Some((name, env::var_os(name).filter(|value| !value.is_empty())?)));
    let Some((variable, path)) = named else { return Ok(TlsConfig::default()) };
    let path = PathBuf::from(path);
    let refused = |reason: String| {
        format!("{variable} is {}: {reason}; expected a file of certificates of authorities, as PEM", path.display())
    };
    let text = regular_file::read(&path).map_err(|error| refused(error.to_string()))?;
    let certificates: Vec<Certificate<'static>> = parse_pem(&text)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
            Ok(_) => None,
            Err(error) => Some(Err(refused(error.to_string()))),
        })
        .collect::<Result<_, _>>()?;
    if certificates.is_empty() {
        return Err(refused("it has no certificate".into()));
    }
    Ok(TlsConfig::builder().root_certs(RootCerts::from(certificates)).build())
}
