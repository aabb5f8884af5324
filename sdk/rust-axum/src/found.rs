//! What a function of the business's may give.

/// What went wrong in a function or a store of yours: written to the log as an error, and answered 500.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Somebody, nobody, or what went wrong: an `Option<T>`, or a `Result<Option<T>, E>` of any usual error.
pub trait Found<T> {
    /// As a result.
    ///
    /// # Errors
    /// What went wrong.
    fn found(self) -> Result<Option<T>, Error>;
}

impl<T> Found<T> for Option<T> {
    fn found(self) -> Result<Option<T>, Error> {
        Ok(self)
    }
}

impl<T, E: Into<Error>> Found<T> for Result<Option<T>, E> {
    fn found(self) -> Result<Option<T>, Error> {
        self.map_err(Into::into)
    }
}
