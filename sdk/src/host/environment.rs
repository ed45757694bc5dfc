use crate::config::{Problems, Variables};

/// End of the variables that name a file which holds a secret: `NAME_FILE` for `NAME`.
const FILE: &str = "_FILE";
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

/// The process's environment: the one place that reads it. `NAME_FILE` is read into `NAME`; of names that are not the kernel's own
/// only what reads as a small text, since other programs have such variables too.
///
/// With it comes every fault that was met: a file that cannot be read, a variable that is no text. Where there is one, nothing may be
/// started; [`Host::faults_beside`](super::Host::faults_beside) adds what else is wrong, so that all of it is told at once.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub fn process_environment() -> (Variables, Problems) {
    let mut problems = Problems::default();
    let mut variables = Variables::new();
    for (name, value) in std::env::vars_os() {
        match (name.into_string(), value.into_string()) {
            (Ok(name), Ok(value)) => drop(variables.insert(name, value)),
            // Only what could concern us is worth a word.
            (Ok(name), Err(_)) if name.starts_with("SYSCALL_") || name.ends_with(FILE) => {
                problems.push(format!("{name} is not valid UTF-8"));
            }
            _ => {}
        }
    }
    read_files(&mut variables, &mut problems);
    (variables, problems)
}

fn read_files(variables: &mut Variables, problems: &mut Problems) {
    let named: Vec<(String, String)> = variables
        .iter()
        .filter_map(|(variable, path)| Some((variable.strip_suffix(FILE)?.to_owned(), path.clone())))
        .filter(|(name, _)| !name.is_empty())
        .collect();
    for (name, path) in named {
        let own = OWN.contains(&name.as_str());
        if variables.contains_key(&name) {
            if own {
                problems.push(format!("{name} and {name}{FILE} are both set; keep one"));
            }
            continue;
        }
        match read_secret(&path) {
            Ok(secret) => drop(variables.insert(name, secret)),
            Err(error) if own => problems.push(format!("{name}{FILE} is {path:?}, which cannot be read: {error}")),
            Err(_) => {}
        }
    }
}

fn read_secret(path: &str) -> std::io::Result<String> {
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

    #[test]
    fn a_secret_is_read_from_its_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "s3cret\n").unwrap();
        let mut variables = Variables::from([("SYSCALL_TOKEN_FILE".to_owned(), file.path().display().to_string())]);
        let mut problems = Problems::default();
        read_files(&mut variables, &mut problems);
        assert_eq!(variables["SYSCALL_TOKEN"], "s3cret");
        assert!(problems.is_empty());
    }

    #[test]
    fn a_secret_of_ones_own_may_be_a_file_and_other_programs_files_are_left_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "k").unwrap();
        let bundle = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(bundle.path(), "x".repeat(SECRET_MAX_BYTES as usize + 1)).unwrap();
        let mut variables = Variables::from(
            [
                ("STRIPE_KEY_FILE", file.path()),
                ("SSL_CERT_FILE", bundle.path()),
                ("LESS_FILE", "/nowhere".as_ref()),
            ]
            .map(|(name, path): (&str, &std::path::Path)| (name.to_owned(), path.display().to_string())),
        );
        let mut problems = Problems::default();
        read_files(&mut variables, &mut problems);
        assert_eq!(variables["STRIPE_KEY"], "k");
        assert!(!variables.contains_key("SSL_CERT") && !variables.contains_key("LESS"));
        assert!(problems.is_empty());
    }

    #[test]
    fn a_secret_file_that_is_missing_is_a_fault() {
        let mut variables = Variables::from([("DATABASE_URL_FILE".to_owned(), "/nowhere/at/all".to_owned())]);
        let mut problems = Problems::default();
        read_files(&mut variables, &mut problems);
        assert!(problems.to_string().contains("DATABASE_URL_FILE"));
    }
}
