//! Which proxy a request goes through. The environment is read once, when the runtime
//! starts; a config or init option beats it.

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

use crate::config::{TransportConfig, Unusable};
use crate::secret::Secret;

/// The proxy variables as they stood when the runtime started.
#[derive(Clone, Debug, Default)]
pub struct EnvironmentProxies {
    http: Option<Secret>,
    https: Option<Secret>,
    none: String,
}

/// Never through a proxy the environment names, as in Go's net/http.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";
/// Never through any proxy: where clouds hand this machine's identity to this machine.
const METADATA: &str =
    "169.254.169.254,169.254.170.2,169.254.170.23,fd00:ec2::254,metadata.google.internal";

impl EnvironmentProxies {
    /// Reads HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, lower case first, as curl
    /// does. HTTP_PROXY in capitals is ignored where REQUEST_METHOD is set: there a CGI
    /// client could have put it in.
    pub fn read() -> EnvironmentProxies {
        let all = variable(&["all_proxy", "ALL_PROXY"]);
        let cgi = std::env::var_os("REQUEST_METHOD").is_some();
        let http: &[&str] = if cgi {
            &["http_proxy"]
        } else {
            &["http_proxy", "HTTP_PROXY"]
        };
        let none = variable(&["no_proxy", "NO_PROXY"]).unwrap_or_default();
        EnvironmentProxies {
            http: variable(http).or_else(|| all.clone()).map(Secret::new),
            https: variable(&["https_proxy", "HTTPS_PROXY"])
                .or(all)
                .map(Secret::new),
            none: format!("{none},{LOOPBACK},{METADATA}"),
        }
    }
}

fn variable(names: &[&str]) -> Option<String> {
    let value = |name: &&str| std::env::var(name).ok();
    names
        .iter()
        .find_map(value)
        .filter(|value| !value.trim().is_empty())
}

/// The proxies for `wanted`: its own, the environment's, or none.
pub(super) fn proxies(
    wanted: &TransportConfig,
    environment: &EnvironmentProxies,
) -> Result<Matcher, Unusable> {
    if let Some(proxy) = &wanted.proxy {
        return chosen(proxy, wanted.no_proxy.as_deref());
    }
    let none = match &wanted.no_proxy {
        Some(more) => format!("{},{more}", environment.none),
        None => environment.none.clone(),
    };
    // A variable that is no URL of a kind we know is passed over, as every HTTP client does.
    let url = |variable: &Option<Secret>| variable.as_ref().and_then(http_url).unwrap_or_default();
    Ok(Matcher::builder()
        .http(url(&environment.http))
        .https(url(&environment.https))
        .no(none)
        .build())
}

fn chosen(proxy: &Secret, no_proxy: Option<&str>) -> Result<Matcher, Unusable> {
    if proxy.is_blank() {
        return Ok(Matcher::builder().build());
    }
    let url = http_url(proxy).ok_or(Unusable {
        field: "proxy",
        reason: "expected an http or https URL",
    })?;
    let none = format!("{},{METADATA}", no_proxy.unwrap_or_default());
    Ok(Matcher::builder().all(url).no(none).build())
}

/// The proxy's URL, if it is one of http or https.
fn http_url(proxy: &Secret) -> Option<String> {
    let url = normalised(proxy);
    let uri: Uri = url.parse().ok()?;
    matches!(uri.scheme_str(), Some("http" | "https")).then_some(url)
}

/// `host:port` alone means http, as everywhere.
fn normalised(proxy: &Secret) -> String {
    let text = proxy.expose().trim();
    if text.contains("://") {
        return text.to_owned();
    }
    format!("http://{text}")
}
