//! Opens the page where somebody is there to see it.

use std::io::{self, IsTerminal};

use super::print::Printer;

/// What says that a Unix session has a screen. Without one a launcher may put a text browser into this terminal.
const SCREENS: [&str; 3] = ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"];

/// Opens the page in the person's own browser. If that cannot be done, one line says so: the address is on the screen already.
pub(super) fn open(url: &str, printer: &Printer) -> io::Result<()> {
    if !io::stdout().is_terminal() {
        return Ok(());
    }
    match has_screen().then(|| open::that_detached(url)) {
        Some(Ok(())) => Ok(()),
        Some(Err(_)) | None => {
            printer.quietly("No browser could be opened from here: open the address above yourself.")
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "these are no settings of Buddy's, but the desktop's")]
fn has_screen() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(target_os = "macos") || SCREENS.into_iter().any(is_set)
}
