//! The tags of MP4 files.

use super::fields::{BEFORE, Fields, PREFIX, is_ours};
use lofty::mp4::{Atom, AtomData, AtomIdent, Ilst};
use std::borrow::Cow;

const MEAN: &str = "com.apple.iTunes";
const MOOD: &str = "MOOD";

/// The name of a freeform atom of the usual kind.
fn name_of<'a>(atom: &'a Atom<'_>) -> Option<&'a str> {
    match atom.ident() {
        AtomIdent::Freeform { mean, name } if mean == MEAN => Some(name),
        _ => None,
    }
}

fn ident(name: &str) -> AtomIdent<'static> {
    AtomIdent::Freeform {
        mean: Cow::Borrowed(MEAN),
        name: Cow::Owned(name.to_owned()),
    }
}

fn is_mood(atom: &Atom<'_>) -> bool {
    name_of(atom).is_some_and(|name| name.eq_ignore_ascii_case(MOOD))
}

fn texts(atom: &Atom<'_>) -> Vec<String> {
    atom.data()
        .map(|data| match data {
            AtomData::UTF8(text) | AtomData::UTF16(text) => text.clone(),
            other => format!("{other:?}"),
        })
        .collect()
}

/// Every atom goes through `change`, and keeps its place.
fn rebuild(tag: &mut Ilst, change: impl Fn(Atom<'static>) -> Option<Atom<'static>>) {
    let mut changed = Ilst::new();
    for atom in std::mem::take(tag) {
        if let Some(atom) = change(atom) {
            changed.insert(atom);
        }
    }
    *tag = changed;
}

impl Fields for Ilst {
    fn mood(&self) -> Vec<String> {
        let atoms = self.into_iter().filter(|atom| is_mood(atom));
        atoms.flat_map(texts).collect()
    }

    fn ours(&self) -> Vec<(String, String)> {
        let atoms = self.into_iter().filter_map(|atom| {
            let name = name_of(atom).filter(|name| is_ours(name))?;
            Some((name.to_owned(), texts(atom).join("\n")))
        });
        atoms.collect()
    }

    fn set_aside(&mut self) {
        rebuild(self, |atom| {
            let Some(name) = name_of(&atom).filter(|_| is_mood(&atom)) else {
                return Some(atom);
            };
            let ident = ident(&format!("{BEFORE}{name}"));
            Atom::from_collection(ident, atom.into_data().collect())
        });
    }

    fn add(&mut self, fields: &[(String, String)], mood: &str) {
        let text =
            |name: &str, value: &str| Atom::new(ident(name), AtomData::UTF8(value.to_owned()));
        for (name, value) in fields {
            self.insert(text(name, value));
        }
        self.insert(text(MOOD, mood));
    }

    fn strip(&mut self, mood: bool) {
        rebuild(self, |atom| {
            let Some(name) = name_of(&atom) else {
                return Some(atom);
            };
            if let Some(before) = name.strip_prefix(BEFORE) {
                let ident = ident(before);
                return mood.then(|| Atom::from_collection(ident, atom.into_data().collect()))?;
            }
            let leaves = name.starts_with(PREFIX) || (mood && is_mood(&atom));
            (!leaves).then_some(atom)
        });
    }
}
