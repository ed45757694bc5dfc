//! Who may call what. Every route declares its access from the first day; the default is deny.

use std::borrow::Cow;
use std::fmt;

use crate::config::AuthMode;
use crate::error::{Error, Kind, Result};

/// What a route asks of who calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing, ever.
    Public,
    /// A signed-in person.
    Session,
    /// A right, such as `state read` or `rpc`.
    Right(Cow<'static, str>),
}

impl Access {
    /// A right by name.
    pub const fn right(name: &'static str) -> Self {
        Access::Right(Cow::Borrowed(name))
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Access::Public => f.write_str("public"),
            Access::Session => f.write_str("session"),
            Access::Right(right) => write!(f, "right: {right}"),
        }
    }
}

/// Who calls, as far as they say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// `X-Service-Name`.
    pub service: Option<String>,
    /// `X-Service-Role`.
    pub role: Option<String>,
    /// The credential as it came, to be passed on by a relay and never printed.
    pub credential: Option<crate::config::Secret>,
}

/// Stands before every route.
#[derive(Clone, Copy, Debug)]
pub struct Gate(AuthMode);

impl Gate {
    /// A gate by the service's configuration.
    pub fn new(mode: AuthMode) -> Self {
        Gate(mode)
    }

    /// Whether nobody is asked for anything.
    pub fn is_open(self) -> bool {
        self.0 == AuthMode::Open
    }

    /// Lets a caller through, or says what is missing.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` where the route asks for more than this gate can yet be shown.
    pub fn admit(self, access: &Access, _caller: &Caller) -> Result<()> {
        match (self.0, access) {
            (AuthMode::Open, _) | (_, Access::Public) => Ok(()),
            (AuthMode::Required, wanted) => Err(Error::new(
                Kind::Unauthenticated,
                format!("this needs a credential ({wanted}); SYSCALL_AUTH=open asks for none, and is for development"),
            )),
        }
    }
}
