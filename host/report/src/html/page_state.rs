//! Whether a run goes on while its page is looked at.

/// Whether the run of a page goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageState {
    /// Its cells are being run: the page loads itself again every ten seconds.
    Running,
    /// It has ended, or was interrupted.
    Ended,
}
