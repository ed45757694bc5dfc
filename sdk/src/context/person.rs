use std::fmt;

/// Someone who is signed in, and whose browser sent the request.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// Their id at the identity provider: `sub`.
    pub id: String,
    /// Their name, as they are called.
    pub name: String,
    /// Their address.
    pub email: String,
    /// What the forms of a page given to them bear, as the field `csrf_token`: without it the guard refuses what changes anything.
    pub form_token: String,
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Who has the token could send a form in their name.
        f.debug_struct("Person").field("id", &self.id).finish_non_exhaustive()
    }
}
