use std::path::{Path, PathBuf};

use crate::config::{Problems, Variables};

/// End of the variables that name a file which holds a secret: `NAME_FILE` for `NAME`.
const FILE: &str = "_FILE";
/// Names a file of `NAME=value` lines that is read beneath the environment.
const CONFIG: &str = "CONFIG_FILE";
/// Where systemd puts the credentials of a service (`LoadCredential=`).
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
/// The kernel's own secrets: a file of theirs that cannot be read is a fault.
const OWN: [&str; 5] = [
    "SYSCALL_TOKEN",
    "SYSCALL_ROOT_KEYS",
    "DATABASE_URL",
    "RAILWAY_TOKEN",
    "CLOUDFLARE_API_TOKEN",
];
/// Largest file that is taken for a secret: a certificate chain fits, a bundle of them (`SSL_CERT_FILE`) does not.
const SECRET_MAX_BYTES: u64 = 64 * 1024;

/// Where a process is told things: its own environment, the file of `CONFIG_FILE`, the credentials of systemd, and the files that
/// `NAME_FILE` names. The environment was read once, since nobody can change that of a running process; the files are read as they are.
#[derive(Clone, Debug)]
pub struct Sources {
    process: Variables,
}

/// What was read, with every fault that was met: a file that cannot be read, a line that is none. Where there is one, nothing may be
/// started or replaced; [`Host::faults_beside`](super::Host::faults_beside) adds what else is wrong, so that all of it is told at once.
pub type Read = (Variables, Problems);

impl Sources {
    /// Those of this process: the one place that reads its environment.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    pub fn of_process() -> (Self, Problems) {
        let mut problems = Problems::default();
        let mut process = Variables::new();
        for (name, value) in std::env::vars_os() {
            match (name.into_string(), value.into_string()) {
                (Ok(name), Ok(value)) => drop(process.insert(name, value)),
                // Only what could concern us is worth a word.
                (Ok(name), Err(_)) if name.starts_with("SYSCALL_") || name.ends_with(FILE) => {
                    problems.push(format!("{name} is not valid UTF-8"));
                }
                _ => {}
            }
        }
        (Sources { process }, problems)
    }

    /// Those of a process whose environment is this.
    pub fn of(process: Variables) -> Self {
        Sources { process }
    }

    /// Reads all of it. What the environment says goes before the file of `CONFIG_FILE`. `NAME_FILE` is read into `NAME`, and so is a
    /// credential of that name; of names that are not the kernel's own only what reads as a small text, since other programs have such
    /// variables too.
    pub fn read(&self) -> Read {
        let mut problems = Problems::default();
        let mut variables = self.process.clone();
        if let Some(path) = said(&self.process, CONFIG) {
            read_config(path, &mut variables, &mut problems);
        }
        for (name, path) in files(&variables) {
            read_file(&name, &format!("{name}{FILE}"), &path, &mut variables, &mut problems);
        }
        for (name, path) in credentials(&self.process) {
            read_file(&name, "its systemd credential", &path, &mut variables, &mut problems);
        }
        (variables, problems)
    }

    /// The files that were read, or would be.
    pub fn files(&self) -> Vec<PathBuf> {
        let config = said(&self.process, CONFIG).map(PathBuf::from);
        config
            .into_iter()
            .chain(self.named().into_iter().map(|(_, path)| path))
            .collect()
    }

    /// The files that hold one variable each, by its name.
    pub(super) fn named(&self) -> Vec<(String, PathBuf)> {
        let mut variables = self.process.clone();
        if let Some(path) = said(&self.process, CONFIG) {
            // A fault in it is found by who reads it for what it says.
            read_config(path, &mut variables, &mut Problems::default());
        }
        files(&variables)
            .into_iter()
            .chain(credentials(&self.process))
            .collect()
    }
}

/// The process's environment, read once; see [`Sources`].
pub fn process_environment() -> Read {
    let (sources, mut faults) = Sources::of_process();
    let (variables, found) = sources.read();
    found.iter().for_each(|problem| faults.push(problem));
    (variables, faults)
}

fn said<'a>(variables: &'a Variables, name: &str) -> Option<&'a str> {
    variables
        .get(name)
        .map(|value| value.trim())
        .filter(|value| !value.is_empty())
}

/// Reads lines of `NAME=value` beneath what is said already. Blank lines and those that begin with `#` are passed over; a value may stand in
/// quotes.
fn read_config(path: &str, variables: &mut Variables, problems: &mut Problems) {
    let text = match read_small(Path::new(path)) {
        Ok(text) => text,
        Err(error) => return problems.push(format!("{CONFIG} is {path:?}, which cannot be read: {error}")),
    };
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let plain = |name: &str| {
            let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
            !name.is_empty() && name.bytes().all(fits)
        };
        let Some((name, value)) = line.split_once('=').filter(|(name, _)| plain(name.trim())) else {
            // Not what it says: it may be a secret that lost its name.
            problems.push(format!("line {} of {path} is no NAME=value", at + 1));
            continue;
        };
        let value = value.trim();
        let unquoted = ['"', '\'']
            .into_iter()
            .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
        variables
            .entry(name.trim().to_owned())
            .or_insert_with(|| unquoted.unwrap_or(value).to_owned());
    }
}

/// What `NAME_FILE` names, by the name that it is to have.
fn files(variables: &Variables) -> Vec<(String, PathBuf)> {
    variables
        .iter()
        .filter(|(variable, _)| *variable != CONFIG)
        .filter_map(|(variable, path)| Some((variable.strip_suffix(FILE)?.to_owned(), PathBuf::from(path))))
        .filter(|(name, path)| !name.is_empty() && !path.as_os_str().is_empty())
        .collect()
}

/// The credentials that systemd hands to the service, by the names of variables: `stripe-key` is `STRIPE_KEY`.
fn credentials(variables: &Variables) -> Vec<(String, PathBuf)> {
    let Some(directory) = said(variables, CREDENTIALS) else {
        return Vec::new();
    };
    // A directory that is not there hands over nothing.
    let found = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut credentials: Vec<(String, PathBuf)> = found
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let name = name.to_ascii_uppercase().replace(['-', '.'], "_");
            Some((name, entry.path()))
        })
        .collect();
    credentials.sort();
    credentials
}

fn read_file(name: &str, given: &str, path: &Path, variables: &mut Variables, problems: &mut Problems) {
    let own = OWN.contains(&name);
    if variables.contains_key(name) {
        if own {
            problems.push(format!("{name} and {given} are both set; keep one"));
        }
        return;
    }
    match read_small(path) {
        Ok(secret) => drop(variables.insert(name.to_owned(), secret)),
        Err(error) if own => problems.push(format!("{given} is {path:?}, which cannot be read: {error}")),
        Err(_) => {}
    }
}

fn read_small(path: &Path) -> std::io::Result<String> {
    let file = std::fs::metadata(path)?;
    if !file.is_file() || file.len() > SECRET_MAX_BYTES {
        return Err(std::io::Error::other(format!(
            "it is not a file of at most {SECRET_MAX_BYTES} bytes"
        )));
    }
    Ok(std::fs::read_to_string(path)?.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Read {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Sources::of(pairs.iter().map(owned).collect()).read()
    }

    #[test]
    fn a_file_of_lines_is_read_beneath_the_environment() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let lines =
            "# ours\n\nLOG_LEVEL = debug\nALLOWED_ORIGINS=\"https://a.example\"\nPORT=7\nWEBHOOK_A_SECRETS=a=b==\n";
        std::fs::write(file.path(), lines).unwrap();
        let path = file.path().to_str().unwrap();
        let (variables, problems) = read(&[("CONFIG_FILE", path), ("PORT", "8")]);
        assert!(problems.is_empty(), "{problems}");
        for (name, value) in [
            ("LOG_LEVEL", "debug"),
            ("ALLOWED_ORIGINS", "https://a.example"),
            ("PORT", "8"),
            ("WEBHOOK_A_SECRETS", "a=b=="),
        ] {
            assert_eq!(variables[name], value);
        }
        assert_eq!(Sources::of(variables).files(), [file.path()]);
    }

    #[test]
    fn a_line_that_is_none_is_a_fault_which_does_not_repeat_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "LOG_LEVEL=info\nhunter2hunter2\n").unwrap();
        let (_, problems) = read(&[("CONFIG_FILE", file.path().to_str().unwrap())]);
        let told = problems.to_string();
        assert!(told.contains("line 2 of") && !told.contains("hunter2"), "{told}");
    }

    #[test]
    fn the_credentials_of_systemd_are_variables() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("stripe-key"), "k\n").unwrap();
        std::fs::write(directory.path().join("SYSCALL_TOKEN"), "t").unwrap();
        let path = directory.path().to_str().unwrap();
        let (variables, problems) = read(&[("CREDENTIALS_DIRECTORY", path)]);
        assert_eq!(
            (variables["STRIPE_KEY"].as_str(), variables["SYSCALL_TOKEN"].as_str()),
            ("k", "t")
        );
        assert!(problems.is_empty());
        let (_, problems) = read(&[("CREDENTIALS_DIRECTORY", path), ("SYSCALL_TOKEN", "another")]);
        assert!(
            problems
                .to_string()
                .contains("SYSCALL_TOKEN and its systemd credential are both set")
        );
    }

    #[test]
    fn a_secret_is_read_from_its_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "s3cret\n").unwrap();
        let (variables, problems) = read(&[("SYSCALL_TOKEN_FILE", file.path().to_str().unwrap())]);
        assert_eq!(variables["SYSCALL_TOKEN"], "s3cret");
        assert!(problems.is_empty());
    }

    #[test]
    fn a_secret_of_ones_own_may_be_a_file_and_other_programs_files_are_left_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "k").unwrap();
        let bundle = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(bundle.path(), "x".repeat(SECRET_MAX_BYTES as usize + 1)).unwrap();
        let (variables, problems) = read(&[
            ("STRIPE_KEY_FILE", file.path().to_str().unwrap()),
            ("SSL_CERT_FILE", bundle.path().to_str().unwrap()),
            ("LESS_FILE", "/nowhere"),
        ]);
        assert_eq!(variables["STRIPE_KEY"], "k");
        assert!(!variables.contains_key("SSL_CERT") && !variables.contains_key("LESS"));
        assert!(problems.is_empty());
    }

    #[test]
    fn a_secret_file_that_is_missing_is_a_fault() {
        let (_, problems) = read(&[("DATABASE_URL_FILE", "/nowhere/at/all")]);
        assert!(problems.to_string().contains("DATABASE_URL_FILE"));
    }
}
