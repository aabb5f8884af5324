//! The machine, the day and the versions, as far as figures depend on them.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::Failure;
use crate::rig::Rig;

/// Of the peers: what their figures depend on.
const CRATES: [&str; 6] = ["hyper", "rustls", "tokio", "axum", "reqwest", "rusqlite"];
const PACKAGES: [&str; 2] = ["undici", "fastify"];

pub(crate) fn read(rig: &Rig) -> Result<Vec<String>, Failure> {
    let proc = |file: &str| std::fs::read_to_string(Path::new("/proc").join(file));
    let cpu = field(&proc("cpuinfo")?, "model name").unwrap_or_else(|| "an unknown CPU".to_owned());
    let cores = proc("cpuinfo")?.lines().filter(|line| line.starts_with("processor")).count();
    let kib: f64 = field(&proc("meminfo")?, "MemTotal")
        .and_then(|total| total.trim_end_matches("kB").trim().parse().ok())
        .ok_or("no MemTotal")?;
    let kernel = proc("sys/kernel/osrelease")?;
    let disk =
        filesystem(&proc("mounts")?, &rig.room()).unwrap_or_else(|| "an unknown file system".to_owned());
    Ok(vec![
        today(),
        format!("{cpu}, {cores} cores, {:.0} GiB, {disk}, Linux {}", kib / 1024.0 / 1024.0, kernel.trim()),
        versions(rig)?,
    ])
}

#[expect(clippy::disallowed_methods, reason = "a measurement says when it was made")]
fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

/// The value of `name : value`.
fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The kind of the file system that `path` is on.
fn filesystem(mounts: &str, path: &Path) -> Option<String> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let (_, kind) = mounts.filter(|(at, _)| path.starts_with(at)).max_by_key(|(at, _)| at.len())?;
    Some(kind.to_owned())
}

fn versions(rig: &Rig) -> Result<String, Failure> {
    let mut versions = vec![said_by(&rig.programs.buddy)?, said_by(Path::new("rustc"))?];
    let lock: toml::Table = std::fs::read_to_string(rig.programs.sources.join("Cargo.lock"))?.parse()?;
    let packages = lock.get("package").and_then(toml::Value::as_array).ok_or("no packages in Cargo.lock")?;
    for name in CRATES {
        let package = packages.iter().find(|package| package["name"].as_str() == Some(name));
        let version = package.and_then(|package| package["version"].as_str());
        versions.push(format!("{name} {}", version.ok_or_else(|| format!("no {name} in Cargo.lock"))?));
    }
    versions.push(format!("Node.js {}", said_by(Path::new("node"))?));
    let manifest = std::fs::read_to_string(rig.programs.sources.join("node/package.json"))?;
    let manifest: Value = serde_json::from_str(&manifest)?;
    for name in PACKAGES {
        let version = manifest["dependencies"][name].as_str();
        versions.push(format!("{name} {}", version.ok_or_else(|| format!("no {name} in package.json"))?));
    }
    Ok(versions.join(", "))
}

/// What a program says when it is asked for its version, up to what a bracket adds.
fn said_by(program: &Path) -> Result<String, Failure> {
    let output = Command::new(program).arg("--version").output();
    let output = output.map_err(|error| format!("{}: {error}", program.display()))?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text.split('(').next().unwrap_or_default().trim().to_owned())
}
