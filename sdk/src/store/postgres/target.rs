//! Which database, and how it is spoken to: what a URL says.

use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::tls::Tls;

/// How long one address may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection is silent before the kernel asks whether the other side is there: a listener must hear of it within a
/// lease.
const KEEPALIVE: Duration = Duration::from_secs(5);
/// How long sent bytes may go unacknowledged before the connection is given up: a little more than a lost packet or two.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// A database and how it is spoken to, read from a URL. It never prints its password.
#[derive(Clone, Debug)]
pub struct Target {
    pub(super) config: Config,
    pub(super) tls: Tls,
    /// Whether a transaction pooler stands between: then nothing may last longer than a transaction.
    pub(super) pooled: bool,
}

impl Target {
    /// Reads `postgres://user:password@host:port/database`.
    ///
    /// Beside what `libpq` knows of a URL's parameters it takes `sslmode` (`disable`, `prefer`, `require` or `verify-full`) and
    /// `pooler=transaction`, which says that a transaction pooler such as PgBouncer answers there: then no statement is kept
    /// prepared, and replicas hear of one another by polling.
    ///
    /// # Errors
    /// One sentence, without the password.
    ///
    /// ```
    /// use syscall_sdk::store::postgres::Target;
    /// let target = Target::parse("postgres://me:secret@db.internal/fleet?sslmode=verify-full").expect("it is a URL");
    /// assert_eq!(target.place(), "db.internal:5432");
    /// assert!(!format!("{target:?}").contains("secret"));
    /// ```
    pub fn parse(url: &str) -> Result<Self, String> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err("it does not start with postgres://".to_owned());
        }
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut mode = SslMode::Prefer;
        let (mut verify, mut pooled, mut rest) = (false, false, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=').unwrap_or((pair, "")) {
                ("sslmode", "disable") => mode = SslMode::Disable,
                ("sslmode", "prefer") => mode = SslMode::Prefer,
                ("sslmode", "require") => mode = SslMode::Require,
                ("sslmode", "verify-full") => (mode, verify) = (SslMode::Require, true),
                ("sslmode", other) => {
                    return Err(format!(
                        "sslmode is {other:?}; it is disable, prefer, require or verify-full"
                    ));
                }
                ("pooler", "transaction") => pooled = true,
                ("pooler", "none") => pooled = false,
                ("pooler", other) => return Err(format!("pooler is {other:?}; it is transaction or none")),
                _ => rest.push(pair),
            }
        }
        let mut config = Config::from_str(&format!("{base}?{}", rest.join("&"))).map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            format!("{error}{}", cause.unwrap_or_default())
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err("it names no host".to_owned());
        }
        config.ssl_mode(mode);
        if config.get_application_name().is_none() {
            config.application_name("blackroad");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        config.keepalives_idle(KEEPALIVE);
        config.keepalives_interval(KEEPALIVE);
        config.tcp_user_timeout(SILENCE_MAX);
        Ok(Target {
            config,
            tls: Tls::new(verify)?,
            pooled,
        })
    }

    /// Host and port, for a sentence.
    pub fn place(&self) -> String {
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => format!("{host}:{port}"),
            #[cfg(unix)]
            Some(Host::Unix(path)) => format!("{}/.s.PGSQL.{port}", path.display()),
            _ => match self.config.get_hostaddrs().first() {
                Some(address) => format!("{address}:{port}"),
                None => format!("port {port}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_its_password() {
        for (url, said) in [
            ("mysql://u:hunter2@h/d", "does not start with postgres://"),
            ("postgres://u:hunter2@h/d?sslmode=verify-ca", "sslmode is \"verify-ca\""),
            ("postgres://u:hunter2@h/d?pooler=session", "pooler is \"session\""),
            ("postgres://u:hunter2@h:many/d", "port"),
            ("postgres:///d", "names no host"),
            ("postgres://u:hunter2@h/d?colour=red", "colour"),
        ] {
            let refused = Target::parse(url).expect_err(url);
            assert!(
                refused.contains(said) && !refused.contains("hunter2"),
                "{url}: {refused}"
            );
        }
    }

    #[test]
    fn a_pooler_and_the_mode_of_tls_are_read_from_the_parameters() {
        let target = Target::parse("postgresql://u@h:6543/d?pooler=transaction&sslmode=disable").expect("a URL");
        assert!(target.pooled);
        assert_eq!(target.config.get_ssl_mode(), SslMode::Disable);
        assert_eq!(target.place(), "h:6543");
    }
}
