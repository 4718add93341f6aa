//! Files that are not wanted: patterns of the command line and of `.circumplexignore` files, written and read as those of
//! `.gitignore`.

use super::{Failure, FileError};
use ignore::{
    Match,
    gitignore::{Gitignore, GitignoreBuilder},
};
use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// The name of the files with patterns.
pub const IGNORE_FILE: &str = ".circumplexignore";
/// No such file is longer; a folder may hold anything under that name.
const LONGEST_FILE: u64 = 1 << 20;

/// A pattern cannot be understood.
#[derive(Debug, thiserror::Error)]
#[error(
    "expected a pattern like those of .gitignore, for example \"*.wav\" or podcasts/; found {pattern:?}"
)]
pub struct PatternError {
    /// What was found.
    pub pattern: String,
    /// What is wrong with it; `None` where it is empty or a comment.
    #[source]
    pub source: Option<ignore::Error>,
}

/// Patterns of the command line, each checked.
#[derive(Debug, Clone, Default)]
pub struct Patterns(Vec<String>);

impl Patterns {
    /// Takes patterns as a person gives them. Of several that match the last one decides; one that begins with `!` takes
    /// back in what an earlier one left out.
    ///
    /// # Errors
    /// [`PatternError`].
    pub fn new(patterns: impl IntoIterator<Item = String>) -> Result<Self, PatternError> {
        let patterns: Vec<String> = patterns.into_iter().collect();
        for pattern in &patterns {
            let one = compile(Path::new("/"), std::slice::from_ref(pattern))?;
            if one.is_empty() {
                return Err(PatternError {
                    pattern: pattern.clone(),
                    source: None,
                });
            }
        }
        Ok(Self(patterns))
    }

    /// The patterns for files below `folder`: those with a slash in the beginning or the middle start there.
    pub(super) fn below(&self, folder: &Path) -> Result<Gitignore, PatternError> {
        compile(folder, &self.0)
    }
}

fn compile(folder: &Path, patterns: &[String]) -> Result<Gitignore, PatternError> {
    let mut builder = GitignoreBuilder::new(folder);
    let error = |pattern: &str, source| PatternError {
        pattern: pattern.to_owned(),
        source: Some(source),
    };
    for pattern in patterns {
        builder
            .add_line(None, pattern)
            .map_err(|source| error(pattern, source))?;
    }
    builder
        .build()
        .map_err(|source| error(&patterns.join(" "), source))
}

/// The patterns that hold at a place of a walk through a folder.
pub(super) struct Rules {
    option: Gitignore,
    /// Those of the files, outermost first, each with the depth of its folder.
    files: Vec<(usize, Gitignore)>,
}

impl Rules {
    /// The rules at the top of a walk through `root`, an absolute path: the patterns of the command line, and the files of
    /// the folders above `root` (those of `root` itself are read on entering it).
    pub(super) fn new(
        root: &Path,
        patterns: &Patterns,
        failures: &mut Vec<Failure>,
    ) -> Result<Self, PatternError> {
        let mut rules = Self {
            option: patterns.below(root)?,
            files: Vec::new(),
        };
        let mut above: Vec<&Path> = root.ancestors().skip(1).collect();
        above.reverse();
        for folder in above {
            rules.read(0, folder, failures);
        }
        Ok(rules)
    }

    /// Reads the patterns of a folder that the walk enters.
    pub(super) fn enter(&mut self, depth: usize, folder: &Path, failures: &mut Vec<Failure>) {
        self.leave(depth);
        self.read(depth, folder, failures);
    }

    /// Forgets the patterns of folders that do not hold an entry of this depth.
    fn leave(&mut self, depth: usize) {
        while self
            .files
            .last()
            .is_some_and(|(folder, _)| *folder >= depth.max(1))
        {
            self.files.pop();
        }
    }

    /// Whether an entry of the walk is not wanted. The command line has the last word, then the innermost file.
    pub(super) fn exclude(&mut self, depth: usize, path: &Path, is_folder: bool) -> bool {
        self.leave(depth);
        let files = self.files.iter().rev().map(|(_, rules)| rules);
        for rules in std::iter::once(&self.option).chain(files) {
            match rules.matched(path, is_folder) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => {}
            }
        }
        false
    }

    fn read(&mut self, depth: usize, folder: &Path, failures: &mut Vec<Failure>) {
        let path = folder.join(IGNORE_FILE);
        match read_rules(&path, folder) {
            Ok(None) => {}
            Ok(Some((rules, wrong))) => {
                self.files.push((depth, rules));
                failures.extend(wrong.map(|error| Failure { path, error }));
            }
            Err(source) => failures.push(Failure {
                path,
                error: FileError::Unreadable(source),
            }),
        }
    }
}

/// Whether a file that was named one by one is not wanted: by a pattern for it, or for a folder that it lies in.
pub(super) fn excludes_named(patterns: &Gitignore, path: &Path) -> bool {
    if patterns.is_empty() {
        return false;
    }
    let mut ancestors: Vec<&Path> = path.ancestors().collect();
    // A folder that is not wanted cannot be taken back in part, as in git.
    ancestors.reverse();
    ancestors
        .iter()
        .any(|part| patterns.matched(part, *part != path).is_ignore())
}

/// The patterns of a file, and what is wrong with the first line that is none; `None` where there is no such file.
fn read_rules(path: &Path, folder: &Path) -> io::Result<Option<(Gitignore, Option<FileError>)>> {
    match fs::metadata(path) {
        // A pipe of that name would be waited for.
        Ok(metadata) if !metadata.is_file() => {
            return Err(io::Error::other("expected a file with patterns"));
        }
        Ok(metadata) if metadata.len() > LONGEST_FILE => {
            return Err(io::Error::other("longer than 1 MiB"));
        }
        Ok(_) => {}
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(LONGEST_FILE)
        .read_to_end(&mut bytes)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut builder = GitignoreBuilder::new(folder);
    let mut wrong = None;
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let result = match std::str::from_utf8(line) {
            Ok(line) => builder
                .add_line(None, line)
                .map(|_| ())
                .map_err(|error| error.to_string()),
            Err(_) => Err("it is not UTF-8".to_owned()),
        };
        if let Err(reason) = result {
            wrong.get_or_insert(FileError::Pattern {
                line: number,
                reason,
            });
        }
    }
    let rules = builder.build().map_err(io::Error::other)?;
    Ok(Some((rules, wrong)))
}

/// Whether a file is not there, as against: cannot be looked at.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Files and folders, and whether a path is one of them or lies in one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathSet(HashSet<PathBuf>);

impl PathSet {
    /// Adds a file or folder.
    pub fn insert(&mut self, path: PathBuf) {
        self.0.insert(path);
    }

    /// How many files and folders.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `path` is one of them.
    pub fn contains(&self, path: &Path) -> bool {
        self.0.contains(path)
    }

    /// Whether `path` is one of them or lies in one.
    pub fn covers(&self, path: &Path) -> bool {
        !self.0.is_empty() && path.ancestors().any(|part| self.0.contains(part))
    }
}

impl<P: Into<PathBuf>> FromIterator<P> for PathSet {
    fn from_iter<I: IntoIterator<Item = P>>(paths: I) -> Self {
        Self(paths.into_iter().map(Into::into).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(list: &[&str]) -> Patterns {
        Patterns::new(list.iter().map(|p| (*p).to_owned())).unwrap()
    }

    #[test]
    fn a_pattern_that_cannot_be_understood_is_named() {
        for bad in ["[z-a]", "", "# comment", "{a,b"] {
            let error = Patterns::new([bad.to_owned()]).unwrap_err();
            assert!(error.to_string().contains(&format!("{bad:?}")), "{error}");
        }
    }

    #[test]
    fn patterns_mean_what_they_mean_to_git() {
        let folder = Path::new("/music");
        let excluded = |list: &[&str], path: &str, is_folder: bool| {
            let rules = patterns(list).below(folder).unwrap();
            rules.matched(folder.join(path), is_folder).is_ignore()
        };
        assert!(excluded(&["*.wav"], "a/b.wav", false));
        assert!(!excluded(&["*.wav"], "a/b.wave", false));
        assert!(excluded(&["podcasts/"], "a/podcasts", true));
        assert!(!excluded(&["podcasts/"], "a/podcasts", false));
        assert!(excluded(&["/podcasts"], "podcasts", true));
        assert!(!excluded(&["/podcasts"], "a/podcasts", true));
        assert!(excluded(&["a/*.mp3"], "a/b.mp3", false));
        assert!(!excluded(&["a/*.mp3"], "x/a/b.mp3", false));
        assert!(excluded(&["a/**/c.mp3"], "a/b/b/c.mp3", false));
        assert!(!excluded(&["*.mp3", "!keep.mp3"], "keep.mp3", false));
    }

    #[test]
    fn a_file_named_one_by_one_is_excluded_with_its_folder() {
        let rules = patterns(&["podcasts/", "*.wav"])
            .below(Path::new("/music"))
            .unwrap();
        let excluded = |path: &str| excludes_named(&rules, Path::new(path));
        assert!(excluded("/music/podcasts/a.mp3"));
        assert!(excluded("/elsewhere/podcasts/a.mp3"));
        assert!(excluded("/elsewhere/a.wav"));
        assert!(!excluded("/music/a.mp3"));
    }

    #[test]
    fn a_set_covers_what_lies_in_its_folders() {
        let set: PathSet = ["/music/a", "/music/b.mp3"].into_iter().collect();
        assert!(set.covers(Path::new("/music/a")));
        assert!(set.covers(Path::new("/music/a/b/c.mp3")));
        assert!(set.covers(Path::new("/music/b.mp3")));
        assert!(!set.covers(Path::new("/music/ab")));
        assert!(!set.covers(Path::new("/music")));
        assert!(!PathSet::default().covers(Path::new("/")));
    }
}
