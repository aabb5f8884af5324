//! `buddy keys`: the master key is changed in steps, each of which every node knows before the next.

mod ring;
mod sealed;
mod status;

use std::error::Error;

use buddy_store::{MasterKey, Resealing};
use clap::{Args, Subcommand};

use super::print::show;
use super::{Misused, block_on, serve};
use crate::ambient::Ambient;
use crate::config::{self, DataDir, Settings};
use ring::Ring;
use sealed::Place;

pub(super) const HELP: &str = "\
To change the master key:
  1. buddy keys add          a new key, which opens and does not seal; restart each node
  2. buddy keys promote ID   it seals; restart each node: it seals anew what others sealed
  3. buddy keys status       until the old key has sealed nothing any more
  4. buddy keys remove ID    the old key; restart each node
One node alone may begin with `buddy keys add --first`, and leave 2 out. Run it as the user
that runs the server, with its settings. Keys in BUDDY_MASTER_KEY are for you to change: what
it has to be is printed on standard output, and all else on standard error.";

/// What `buddy keys` is to do.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Say what each key has sealed, and what is to be done next.
    Status(Box<StatusFlags>),
    /// Make a new key, which opens and does not seal yet.
    Add(Box<AddFlags>),
    /// Let a key seal from the next start on.
    Promote(Box<OneKeyFlags>),
    /// Remove a key that has sealed nothing.
    Remove(Box<OneKeyFlags>),
    /// Seal anew at once what other keys have sealed; on SQLite, while no server runs. A running server does so by itself.
    Reseal(Box<ResealFlags>),
}

/// What `buddy keys status` is told.
#[derive(Args, Debug)]
#[group(skip)] // Of the same name as the server's, and of no use. So below.
pub(super) struct StatusFlags {
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: config::Flags,
}

/// What `buddy keys add` is told.
#[derive(Args, Debug)]
#[group(skip)]
pub(super) struct AddFlags {
    /// Let it seal from the next start on: only where one node runs, for another would not know it.
    #[arg(long)]
    first: bool,
    #[command(flatten)]
    settings: config::Flags,
}

/// What `buddy keys promote` and `remove` are told.
#[derive(Args, Debug)]
#[group(skip)]
pub(super) struct OneKeyFlags {
    /// The key, by the eight hexadecimal digits that `buddy keys status` shows.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    settings: config::Flags,
}

/// What `buddy keys reseal` is told.
#[derive(Args, Debug)]
#[group(skip)]
pub(super) struct ResealFlags {
    #[command(flatten)]
    settings: config::Flags,
}

/// Does one step.
pub(super) fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Status(flags) => status(*flags),
        Command::Add(flags) => add(*flags),
        Command::Promote(flags) => promote(*flags),
        Command::Remove(flags) => remove(*flags),
        Command::Reseal(flags) => reseal(*flags),
    }
}

fn status(StatusFlags { json, settings }: StatusFlags) -> Result<(), Box<dyn Error>> {
    let mut settings = serve::settings(settings)?;
    let ring = Ring::read(&mut settings)?;
    let place = Place::of(&mut settings);
    let status = status::Status::of(&ring, &block_on(place.sealed_by())??, place.has_many_nodes());
    if json {
        show(&serde_json::to_string_pretty(&status)?)?;
    } else {
        show(&status.in_words())?;
    }
    Ok(())
}

fn add(AddFlags { first, settings }: AddFlags) -> Result<(), Box<dyn Error>> {
    let mut settings = serve::settings(settings)?;
    if first && settings.database.is_some() {
        return Err("--first is for a node alone: others on --database-url could not open what it seals; leave it out.".into());
    }
    let mut ring = Ring::read_to_change(&mut settings)?;
    let key = MasterKey::from_bytes(Ambient::system().bytes());
    let id = key.id();
    let is_at = ring.place();
    let next = if first {
        ring.keys.insert(0, key);
        format!(
            "Key {id} was added to {is_at}, and seals from the next start on. Next: restart the server; it then seals \
             anew what the old key sealed. `buddy keys status` shows how far it is."
        )
    } else {
        ring.keys.push(key);
        format!(
            "Key {id} was added to {is_at}; it opens and does not seal yet. Next: give it to every node and restart \
             each, so that all know it; then `buddy keys promote {id}`."
        )
    };
    ring.keep(&next)
}

fn promote(OneKeyFlags { id, settings }: OneKeyFlags) -> Result<(), Box<dyn Error>> {
    let mut settings = serve::settings(settings)?;
    let mut ring = Ring::read_to_change(&mut settings)?;
    let at = ring.position(&id)?;
    if at == 0 {
        return Err(format!(
            "key {id} is the first already: restart each node that does not seal by it yet."
        )
        .into());
    }
    let key = ring.keys.remove(at);
    ring.keys.insert(0, key);
    ring.keep(&format!(
        "Key {id} seals from the next start on. Next: restart each node; it then seals anew what other keys sealed. \
         `buddy keys status` shows how far that is."
    ))
}

fn remove(OneKeyFlags { id, settings }: OneKeyFlags) -> Result<(), Box<dyn Error>> {
    let mut settings = serve::settings(settings)?;
    let mut ring = Ring::read_to_change(&mut settings)?;
    let at = ring.position(&id)?;
    if at == 0 {
        let instead = "let another seal first, with `buddy keys promote`, and restart each node";
        return Err(format!("key {id} is the one that seals: {instead}.").into());
    }
    let place = Place::of(&mut settings);
    let left = block_on(place.sealed_by())??.by(ring.keys[at].id()).total();
    if left > 0 {
        let instead = if place.has_many_nodes() {
            "restart each node with another key first and let them seal these anew, or run `buddy keys reseal` then"
        } else {
            "start the server with the new key first and let it seal them anew, or stop it and run `buddy keys reseal`"
        };
        return Err(format!("key {id} has sealed {left} values that are still there: {instead}.").into());
    }
    ring.keys.remove(at);
    ring.keep(&format!(
        "Key {id} was removed from {}. Next: restart each node. Backups from before are opened by it alone: keep a copy \
         for as long as you keep them.",
        ring.place()
    ))
}

fn reseal(ResealFlags { settings }: ResealFlags) -> Result<(), Box<dyn Error>> {
    let mut settings = serve::settings(settings)?;
    let ring = Ring::read_to_change(&mut settings)?;
    let by = ring.keys[0].id();
    let place = Place::of(&mut settings);
    let Resealing { resealed, left, unopened, .. } = block_on(place.reseal(ring.into_keyring()))??;
    let lost = match unopened {
        0 => String::new(),
        unopened => {
            format!(" {unopened} values are sealed by a key that is not configured, and stay as they are.")
        }
    };
    let changed = match left {
        0 => format!("all that opens is sealed by key {by} now."),
        left => format!("{left} were changed meanwhile: run it again."),
    };
    show(&format!("{resealed} values were sealed anew; {changed}{lost}"))?;
    Ok(())
}
