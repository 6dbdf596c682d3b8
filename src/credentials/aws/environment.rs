//! What the process's environment says about AWS. It is read when it is needed and never
//! kept, so a host that changes it is followed.

use crate::secret::Secret;

/// The endpoint that the environment names for a service, as AWS's SDKs read it:
/// `AWS_ENDPOINT_URL_<SERVICE>`, else `AWS_ENDPOINT_URL`, unless
/// `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` is `true`.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
pub fn endpoint_url(service: &str) -> Option<String> {
    let ignored = variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    if ignored.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return None;
    }
    variable(&format!("AWS_ENDPOINT_URL_{service}")).or_else(|| variable("AWS_ENDPOINT_URL"))
}

/// Every variable that the chain can look at: AWS's own, and where the home directory is.
/// Part of a cache key, so that other variables mean another look.
pub(super) fn fingerprint() -> Vec<(String, Secret)> {
    let relevant = |name: &str| name.starts_with("AWS_") || matches!(name, "HOME" | "USERPROFILE");
    let pairs = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok().filter(|name| relevant(name))?;
        Some((name, Secret::new(value.to_string_lossy())))
    });
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    pairs
}

fn variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok()?;
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}
