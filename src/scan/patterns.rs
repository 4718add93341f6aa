//! Excluded files: patterns of the command line and of `.circumplexignore` files, in the syntax of `.gitignore`.

use super::walk::cannot_read;
use crate::{Error, ErrorKind, Result, error::Context};
use ignore::{
    Match,
    gitignore::{Gitignore, GitignoreBuilder},
};
use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// The name of the files with patterns.
pub(super) const IGNORE_FILE: &str = ".circumplexignore";
/// The longest file with patterns that is read: a directory may hold anything under that name.
const LONGEST_FILE: u64 = 1 << 20;

/// Checked patterns of the command line. The last one that matches decides; `!` before a pattern includes again what an
/// earlier one excludes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Patterns(Vec<String>);

impl Patterns {
    /// Checks patterns.
    ///
    /// # Errors
    /// When one is invalid, empty or a comment.
    pub(crate) fn new(patterns: impl IntoIterator<Item = String>) -> Result<Self> {
        let patterns: Vec<String> = patterns.into_iter().collect();
        for pattern in &patterns {
            if compile(Path::new("/"), std::slice::from_ref(pattern))?.is_empty() {
                return Err(Error::invalid(invalid(pattern)));
            }
        }
        Ok(Self(patterns))
    }

    /// The patterns for files in `directory`, to which patterns with a slash at the start or in the middle are relative.
    pub(super) fn compile(&self, directory: &Path) -> Result<Gitignore> {
        compile(directory, &self.0)
    }
}

fn invalid(pattern: &str) -> String {
    format!(
        "invalid pattern {pattern:?}; expected .gitignore syntax, such as \"*.wav\" or podcasts/"
    )
}

fn compile(directory: &Path, patterns: &[String]) -> Result<Gitignore> {
    let mut builder = GitignoreBuilder::new(directory);
    for pattern in patterns {
        let added = builder.add_line(None, pattern);
        added.context(ErrorKind::InvalidInput, invalid(pattern))?;
    }
    let built = builder.build();
    built.context(ErrorKind::InvalidInput, invalid(&patterns.join(" ")))
}

/// The patterns that apply during a walk.
pub(super) struct Rules {
    command_line: Gitignore,
    /// The patterns of the ignore files read so far, by their directories.
    files: HashMap<PathBuf, Gitignore>,
}

impl Rules {
    /// The patterns at the start of a walk through `root`, an absolute path: those of the command line, and of the ignore
    /// files in the directories above `root`.
    pub(super) fn new(root: &Path, patterns: &Patterns, failures: &mut Vec<Error>) -> Result<Self> {
        let mut rules = Self {
            command_line: patterns.compile(root)?,
            files: HashMap::new(),
        };
        for directory in root.ancestors().skip(1) {
            rules.read(directory, failures);
        }
        Ok(rules)
    }

    /// Reads the ignore file of a directory, if it has one. Lines that are invalid are skipped.
    pub(super) fn read(&mut self, directory: &Path, failures: &mut Vec<Error>) {
        let path = directory.join(IGNORE_FILE);
        match read_rules(&path, directory, failures) {
            Ok(None) => {}
            Ok(Some(rules)) => _ = self.files.insert(directory.to_owned(), rules),
            Err(source) => failures.push(cannot_read(&path, source)),
        }
    }

    /// Whether a pattern excludes a path. The command line comes first, then the innermost ignore file.
    pub(super) fn exclude(&self, path: &Path, is_directory: bool) -> bool {
        let above = path.ancestors().skip(1);
        let files = above.filter_map(|directory| self.files.get(directory));
        for rules in std::iter::once(&self.command_line).chain(files) {
            match rules.matched(path, is_directory) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => {}
            }
        }
        false
    }
}

/// Whether a pattern excludes a root or listed file, or a directory that it is in.
pub(super) fn excludes_named(patterns: &Gitignore, path: &Path) -> bool {
    // As in git, a file in an excluded directory cannot be included again.
    path.ancestors()
        .any(|part| patterns.matched(part, part != path).is_ignore())
}

/// Reads an ignore file; `None` if it does not exist. Its first invalid line becomes a failure.
fn read_rules(
    path: &Path,
    directory: &Path,
    failures: &mut Vec<Error>,
) -> io::Result<Option<Gitignore>> {
    let bytes = match read_small_file(path, LONGEST_FILE) {
        Err(error) if is_absent(&error) => return Ok(None),
        read => read?,
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut builder = GitignoreBuilder::new(directory);
    let mut invalid = None;
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let reason = match std::str::from_utf8(line) {
            Ok(line) => builder.add_line(None, line).err().map(|e| e.to_string()),
            Err(_) => Some("not UTF-8".to_owned()),
        };
        if let Some(reason) = reason {
            invalid.get_or_insert(format!("line {number}: invalid pattern: {reason}"));
        }
    }
    let rules = builder.build().map_err(io::Error::other)?;
    failures.extend(invalid.map(|message| Error::invalid(message).with_path(path)));
    Ok(Some(rules))
}

/// Reads a regular file of at most `longest` bytes. A pipe would block.
pub(super) fn read_small_file(path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() || metadata.len() > longest {
        let message = format!("expected a file of at most {} KiB", longest >> 10);
        return Err(io::Error::other(message));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(longest).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether the error means that the file does not exist, rather than that it cannot be read.
pub(super) fn is_absent(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}

/// A set of files and directories.
pub(crate) type PathSet = HashSet<PathBuf>;

/// Whether a path is in the set or in a directory of the set.
pub(super) fn covers(set: &PathSet, path: &Path) -> bool {
    !set.is_empty() && path.ancestors().any(|part| set.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(list: &[&str]) -> Patterns {
        Patterns::new(list.iter().map(|p| (*p).to_owned())).unwrap()
    }

    #[test]
    fn an_invalid_pattern_is_named() {
        for bad in ["[z-a]", "", "# comment", "{a,b"] {
            let error = Patterns::new([bad.to_owned()]).unwrap_err();
            assert!(error.to_string().contains(&format!("{bad:?}")), "{error}");
        }
    }

    #[test]
    fn patterns_mean_the_same_as_in_gitignore() {
        let directory = Path::new("/music");
        let excluded = |list: &[&str], path: &str, is_directory: bool| {
            let rules = patterns(list).compile(directory).unwrap();
            rules
                .matched(directory.join(path), is_directory)
                .is_ignore()
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
    fn a_listed_file_is_excluded_with_its_directory() {
        let rules = patterns(&["podcasts/", "*.wav"])
            .compile(Path::new("/music"))
            .unwrap();
        let excluded = |path: &str| excludes_named(&rules, Path::new(path));
        assert!(excluded("/music/podcasts/a.mp3"));
        assert!(excluded("/elsewhere/podcasts/a.mp3"));
        assert!(excluded("/elsewhere/a.wav"));
        assert!(!excluded("/music/a.mp3"));
    }

    #[test]
    fn a_set_covers_the_content_of_its_directories() {
        let set = ["/music/a", "/music/b.mp3"].map(PathBuf::from).into();
        for inside in ["/music/a", "/music/a/b/c.mp3", "/music/b.mp3"] {
            assert!(covers(&set, Path::new(inside)), "{inside}");
        }
        for outside in ["/music/ab", "/music", "/"] {
            assert!(!covers(&set, Path::new(outside)), "{outside}");
        }
        assert!(!covers(&PathSet::new(), Path::new("/")));
    }
}
