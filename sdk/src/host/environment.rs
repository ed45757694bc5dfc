use crate::config::{Problems, Variables};

/// Ends of the variables that hold secrets, each of which may be given as a file instead: `NAME_FILE`.
const FILE: &str = "_FILE";

/// The process's environment: the one place that reads it. `NAME_FILE` is read into `NAME`.
///
/// # Errors
/// Every file that cannot be read, and every variable that is no text.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub fn process_environment() -> Result<Variables, Problems> {
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
    if problems.is_empty() {
        Ok(variables)
    } else {
        Err(problems)
    }
}

fn read_files(variables: &mut Variables, problems: &mut Problems) {
    const SECRETS: [&str; 5] = [
        "SYSCALL_TOKEN",
        "SYSCALL_ROOT_KEYS",
        "DATABASE_URL",
        "RAILWAY_TOKEN",
        "CLOUDFLARE_API_TOKEN",
    ];
    for name in SECRETS {
        let Some(path) = variables.get(&format!("{name}{FILE}")).cloned() else {
            continue;
        };
        if variables.contains_key(name) {
            problems.push(format!("{name} and {name}{FILE} are both set; keep one"));
            continue;
        }
        match std::fs::read_to_string(&path) {
            Ok(secret) => drop(variables.insert(name.to_owned(), secret.trim_end().to_owned())),
            Err(error) => problems.push(format!("{name}{FILE} is {path:?}, which cannot be read: {error}")),
        }
    }
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
    fn a_secret_file_that_is_missing_is_a_fault() {
        let mut variables = Variables::from([("DATABASE_URL_FILE".to_owned(), "/nowhere/at/all".to_owned())]);
        let mut problems = Problems::default();
        read_files(&mut variables, &mut problems);
        assert!(problems.to_string().contains("DATABASE_URL_FILE"));
    }
}
