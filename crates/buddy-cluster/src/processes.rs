//! Which processes a process has started, as Linux tells in `/proc`.

/// Their numbers, as they are now.
pub(crate) fn children_of(parent: i32) -> Vec<i32> {
    let all = std::fs::read_dir("/proc").expect("there is a /proc").filter_map(Result::ok);
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

/// The number, the name in parentheses, the state, the parent.
fn parent_of(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(1)?.parse().ok()
}
