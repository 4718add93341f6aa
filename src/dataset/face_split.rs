//! Parts for faces of a set that has none, and no person on two sides.

use super::{faces::FaceSet, splits::Part};
use rand::{SeedableRng, rngs::ChaCha8Rng, seq::SliceRandom};
use std::collections::{BTreeMap, BTreeSet};

impl FaceSet {
    /// Gives every face its part. A set without parts is divided at random, eight tenths to train, one to validate, one to test;
    /// one without a validation part gets a tenth of its training faces for it. All faces of a person get the same part.
    /// Faces of a set's own training or validation part whose person is also in a part after it get none. Returns their number.
    pub(crate) fn divide(&mut self, seed: u64) -> usize {
        let none = self.faces.iter().all(|face| face.part.is_none());
        for face in &mut self.faces {
            face.part.get_or_insert(Part::Train);
        }
        let left_out = self.keep_persons_apart();
        if none {
            self.draw(seed, Part::Test, 0.1);
        }
        if self.part(Part::Validation).is_empty() {
            self.draw(seed, Part::Validation, if none { 1.0 / 9.0 } else { 0.1 });
        }
        left_out
    }

    /// Moves whole persons, and faces of unknown ones, from the training part to another until it has its share.
    fn draw(&mut self, seed: u64, to: Part, share: f64) {
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let training = self.part(Part::Train);
        for &face in &training {
            let person = self.faces[face].person.clone();
            let group = person.unwrap_or_else(|| format!("face {face:09}"));
            groups.entry(group).or_default().push(face);
        }
        let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
        groups.shuffle(&mut ChaCha8Rng::seed_from_u64(seed ^ to as u64));
        let wanted = (training.len() as f64 * share).round() as usize;
        let mut moved = 0;
        for group in groups {
            if moved >= wanted {
                break;
            }
            moved += group.len();
            for face in group {
                self.faces[face].part = Some(to);
            }
        }
    }

    /// Takes faces out of the earlier of two parts that share a person.
    fn keep_persons_apart(&mut self) -> usize {
        let mut left_out = 0;
        for (part, later) in [
            (Part::Validation, &[Part::Test][..]),
            (Part::Train, &[Part::Validation, Part::Test]),
        ] {
            let held_out: BTreeSet<String> = self
                .faces
                .iter()
                .filter(|face| face.part.is_some_and(|part| later.contains(&part)))
                .filter_map(|face| face.person.clone())
                .collect();
            for face in &mut self.faces {
                let is_shared = |person: &String| held_out.contains(person);
                if face.part == Some(part) && face.person.as_ref().is_some_and(is_shared) {
                    face.part = None;
                    left_out += 1;
                }
            }
        }
        left_out
    }
}
