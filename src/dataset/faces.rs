//! Faces with expressions: FER+ with its votes, tables of pixels (FER2013, CK+), and directories named for expressions.

use super::splits::Part;
use crate::{
    Error, ErrorKind, Result,
    emotion::Expression,
    error::{Context as _, one_line},
    face::{PIXELS, face_pixels, read_picture},
};
use csv::{ReaderBuilder, StringRecord, Trim};
use image::{DynamicImage, GrayImage};
use rayon::prelude::*;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The columns of FER+'s votes; the last two are for pictures whose expression nobody can name, and for those of no face.
const FER_PLUS: [Option<Expression>; 10] = [
    Some(Expression::Neutral),
    Some(Expression::Happiness),
    Some(Expression::Surprise),
    Some(Expression::Sadness),
    Some(Expression::Anger),
    Some(Expression::Disgust),
    Some(Expression::Fear),
    Some(Expression::Contempt),
    None,
    None,
];
const NO_FACE: usize = 9;
/// The directories of FER+ with their parts.
const FER_PLUS_PARTS: [(&str, Part); 3] = [
    ("FER2013Train", Part::Train),
    ("FER2013Valid", Part::Validation),
    ("FER2013Test", Part::Test),
];

/// A face with its expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LabeledFace {
    /// The file, below the set's directory, or the line of a table.
    pub name: String,
    /// The side of the split that the set puts it on.
    pub part: Option<Part>,
    /// The person, where the file's name tells.
    pub person: Option<String>,
    /// Shares of the eight expressions in the order of [`Expression::ALL`], sum 1.
    pub shares: [f32; Expression::COUNT],
    /// The expression that more than half of all voters chose, if there is one.
    pub majority: Option<Expression>,
}

/// A set of labeled faces, all pixels in memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct FaceSet {
    /// The name of its directory or file.
    pub name: String,
    pub faces: Vec<LabeledFace>,
    /// [`PIXELS`] of each face: gray, row by row.
    pub pixels: Vec<u8>,
    /// Faces that voters called no face, or that got no vote for any expression.
    pub without_face: usize,
    /// Files and directories that cannot be used, each with the reason.
    pub rejected: Vec<String>,
}

/// A face whose picture is still to be read: the file, and the region of it.
struct Listed {
    face: LabeledFace,
    file: PathBuf,
    region: Option<[u32; 4]>,
}

impl FaceSet {
    /// Reads a directory in FER+'s layout, a table with the columns `emotion` and `pixels` (or a directory with one), or a
    /// directory of directories named for expressions, which may lie in directories named for parts.
    ///
    /// # Errors
    /// [`ErrorKind::Dataset`] if it is none of these, has a label that is none, or holds no face that can be used.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let name = fs::canonicalize(path).context_at(
            ErrorKind::Io,
            path,
            "cannot be read; give a directory of faces or a CSV file",
        )?;
        let name = name.file_name().unwrap_or(name.as_os_str());
        let mut set = Self {
            name: name.to_string_lossy().into_owned(),
            ..Self::default()
        };
        if let Some(table) = pixel_table(path)? {
            set.read_table(&table)?;
        } else {
            let mut listed = Vec::new();
            for (directory, part) in FER_PLUS_PARTS {
                let directory = path.join(directory);
                if directory.join("label.csv").is_file() {
                    listed.extend(set.read_votes(path, &directory, Some(part))?);
                }
            }
            if listed.is_empty() && path.join("label.csv").is_file() {
                listed = set.read_votes(path, path, None)?;
            }
            if listed.is_empty() && set.without_face == 0 {
                set.list(path, path, [None, None], &mut listed)?;
            }
            set.read_pictures(listed);
        }
        if set.faces.is_empty() {
            let first = match set.rejected.first() {
                Some(reason) => format!(" (the first of those that cannot be used: {reason})"),
                None => String::new(),
            };
            let message = format!(
                "no labeled face found{first}; expected FER+'s directories with label.csv, a CSV with the columns emotion and \
                 pixels, or directories named for expressions ({})",
                Expression::ALL.map(Expression::name).join(", ")
            );
            return Err(Error::new(ErrorKind::Dataset, message).with_path(path));
        }
        Ok(set)
    }

    /// The pixels of one face.
    pub(crate) fn pixels_of(&self, face: usize) -> &[u8] {
        &self.pixels[face * PIXELS..][..PIXELS]
    }

    /// Positions of the faces of a part.
    pub(crate) fn part(&self, part: Part) -> Vec<usize> {
        let faces = self.faces.iter().enumerate();
        faces
            .filter(|(_, face)| face.part == Some(part))
            .map(|(place, _)| place)
            .collect()
    }

    /// Reads FER+'s `label.csv`: file, box, ten votes. Files lie beside it.
    fn read_votes(
        &mut self,
        root: &Path,
        directory: &Path,
        part: Option<Part>,
    ) -> Result<Vec<Listed>> {
        let path = directory.join("label.csv");
        let mut rows = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(Trim::All)
            .from_path(&path)
            .context_at(ErrorKind::Dataset, &path, "cannot be read")?;
        let mut listed = Vec::new();
        for (number, row) in rows.records().enumerate() {
            let row = row.context_at(ErrorKind::Dataset, &path, "cannot be read as CSV")?;
            let line = row.position().map_or(number as u64 + 1, |at| at.line());
            let wrong = |expected: &str| {
                let found: Vec<&str> = row.iter().collect();
                let found = found.join(",");
                let message = format!("line {line}: expected {expected}, found {found:?}");
                Error::new(ErrorKind::Dataset, message).with_path(&path)
            };
            if row.len() != 2 + FER_PLUS.len() {
                return Err(wrong("a file, a box and ten votes"));
            }
            let mut votes = [0_u32; FER_PLUS.len()];
            for (vote, cell) in votes.iter_mut().zip(row.iter().skip(2)) {
                *vote = cell
                    .parse()
                    .map_err(|_| wrong("ten whole numbers of votes"))?;
            }
            let corners: Vec<u32> = row[1]
                .trim_matches(['(', ')'])
                .split(',')
                .filter_map(|number| number.trim().parse().ok())
                .collect();
            let &[left, top, right, bottom] = &corners[..] else {
                return Err(wrong("a box \"(left, top, right, bottom)\" in pixels"));
            };
            let Some((shares, majority)) = shares_of(&votes) else {
                self.without_face += 1;
                continue;
            };
            let file = directory.join(&row[0]);
            listed.push(Listed {
                face: LabeledFace {
                    name: below(root, &file),
                    part,
                    person: person_of(&row[0]),
                    shares,
                    majority,
                },
                file,
                region: Some([
                    left,
                    top,
                    right.saturating_sub(left),
                    bottom.saturating_sub(top),
                ]),
            });
        }
        Ok(listed)
    }

    /// Reads a table with the columns `emotion` (0 to 7 in the order of [`Expression::ALL`], or a name), `pixels`, and
    /// perhaps `usage` and `name`.
    fn read_table(&mut self, path: &Path) -> Result<()> {
        let mut rows = ReaderBuilder::new()
            .trim(Trim::All)
            .from_path(path)
            .context_at(ErrorKind::Dataset, path, "cannot be read")?;
        let unreadable = "cannot be read as CSV";
        let heads = rows
            .headers()
            .context_at(ErrorKind::Dataset, path, unreadable)?;
        let column = |name: &str| {
            heads
                .iter()
                .position(|head| head.eq_ignore_ascii_case(name))
        };
        let (emotion, pixels) = (column("emotion"), column("pixels"));
        let (usage, name) = (column("usage"), column("name"));
        let mut row = StringRecord::new();
        while rows
            .read_record(&mut row)
            .context_at(ErrorKind::Dataset, path, unreadable)?
        {
            let line = row.position().map_or(0, |at| at.line());
            let cell = |column: Option<usize>| column.and_then(|it| row.get(it)).unwrap_or("");
            let wrong = |expected: &str, found: &str| {
                let message = format!("line {line}: expected {expected}, found {found:?}");
                Error::new(ErrorKind::Dataset, message).with_path(path)
            };
            let found = cell(emotion);
            let expression = match found.parse::<usize>() {
                Ok(number) => Expression::ALL.get(number).copied(),
                Err(_) => found.parse().ok(),
            };
            let expression = expression
                .ok_or_else(|| wrong("an expression as a name or a number from 0 to 7", found))?;
            let part = match cell(usage) {
                "" => None,
                found => Some(part_named(found).ok_or_else(|| {
                    wrong("the usage Training, PublicTest or PrivateTest", found)
                })?),
            };
            let numbers: Option<Vec<u8>> = cell(pixels)
                .split_ascii_whitespace()
                .map(|number| number.parse::<u8>().ok())
                .collect();
            let numbers = numbers.unwrap_or_default();
            let side = numbers.len().isqrt();
            if side == 0 || side * side != numbers.len() {
                let start: String = cell(pixels).chars().take(20).collect();
                return Err(wrong("the gray pixels of a square, 0 to 255", &start));
            }
            let picture = GrayImage::from_raw(side as u32, side as u32, numbers);
            let picture = picture.unwrap_or_default();
            self.pixels
                .extend(face_pixels(&picture, [0, 0, side as u32, side as u32])?);
            self.faces.push(LabeledFace {
                name: match cell(name) {
                    "" => format!("line {line}"),
                    name => name.to_owned(),
                },
                part,
                person: person_of(cell(name)),
                ..single(expression)
            });
        }
        Ok(())
    }

    /// Lists the pictures in directories named for expressions; `known` are the part and the expression that directories
    /// above have named.
    fn list(
        &mut self,
        root: &Path,
        directory: &Path,
        known: [Option<&str>; 2],
        listed: &mut Vec<Listed>,
    ) -> Result<()> {
        let entries = fs::read_dir(directory).and_then(|entries| {
            let paths = entries.map(|entry| Ok(entry?.path()));
            paths.collect::<std::io::Result<Vec<PathBuf>>>()
        });
        let mut entries = entries.context_at(ErrorKind::Io, directory, "cannot be listed")?;
        entries.sort();
        let [part, expression] = known;
        for path in entries {
            let Some(name) = path.file_name().map(|name| name.to_string_lossy()) else {
                continue;
            };
            if name.starts_with('.') {
                continue;
            }
            if path.is_dir() {
                if expression.is_none() && name.parse::<Expression>().is_ok() {
                    self.list(root, &path, [part, Some(&name)], listed)?;
                } else if expression.is_none() && part.is_none() && part_named(&name).is_some() {
                    self.list(root, &path, [Some(&name), None], listed)?;
                } else {
                    let shown = below(root, &path);
                    self.rejected
                        .push(format!("{shown}: not named for an expression"));
                }
                continue;
            }
            let Some(expression) = expression.and_then(|name| name.parse().ok()) else {
                let shown = below(root, &path);
                self.rejected.push(format!(
                    "{shown}: not in a directory named for an expression"
                ));
                continue;
            };
            listed.push(Listed {
                face: LabeledFace {
                    name: below(root, &path),
                    part: part.and_then(part_named),
                    person: person_of(&name),
                    ..single(expression)
                },
                file: path.clone(),
                region: None,
            });
        }
        Ok(())
    }

    /// Reads the pictures of faces, and rejects those that cannot be read.
    fn read_pictures(&mut self, listed: Vec<Listed>) {
        let read: Vec<Result<Vec<u8>>> = listed
            .par_iter()
            .map(|Listed { file, region, .. }| {
                let gray = read_picture(file).map(DynamicImage::into_luma8)?;
                let whole = [0, 0, gray.width(), gray.height()];
                face_pixels(&gray, region.unwrap_or(whole)).map_err(|e| e.with_path(file))
            })
            .collect();
        for (Listed { face, .. }, pixels) in listed.into_iter().zip(read) {
            match pixels {
                Ok(pixels) => {
                    self.pixels.extend(pixels);
                    self.faces.push(face);
                }
                Err(error) => self.rejected.push(one_line(&error)),
            }
        }
    }
}

/// A face of one certain expression.
fn single(expression: Expression) -> LabeledFace {
    let mut shares = [0.0; Expression::COUNT];
    shares[expression.index()] = 1.0;
    LabeledFace {
        name: String::new(),
        part: None,
        person: None,
        shares,
        majority: Some(expression),
    }
}

/// Shares of the expressions of FER+'s ten votes, and the expression of more than half of all votes. A vote that stands alone
/// is a mistake of one voter and does not count in the shares, unless all do. `None` where most voters saw no face or
/// nobody named an expression.
fn shares_of(
    votes: &[u32; FER_PLUS.len()],
) -> Option<([f32; Expression::COUNT], Option<Expression>)> {
    let all: u64 = votes.iter().map(|&vote| u64::from(vote)).sum();
    let is_most = |vote: u32| 2 * u64::from(vote) > all;
    if 2 * u64::from(votes[NO_FACE]) >= all {
        return None;
    }
    let named = || {
        let columns = FER_PLUS.iter().zip(votes);
        columns.filter_map(|(expression, &vote)| Some(((*expression)?, vote)))
    };
    let least = if named().any(|(_, vote)| vote > 1) {
        2
    } else {
        1
    };
    let mut shares = [0.0; Expression::COUNT];
    for (expression, vote) in named().filter(|(_, vote)| *vote >= least) {
        shares[expression.index()] = vote as f32;
    }
    let sum: f32 = shares.iter().sum();
    if sum == 0.0 {
        return None;
    }
    let majority = named().find(|(_, vote)| is_most(*vote));
    Some((
        shares.map(|vote| vote / sum),
        majority.map(|(expression, _)| expression),
    ))
}

/// The part of a directory or of a `Usage`.
fn part_named(name: &str) -> Option<Part> {
    match name.trim().to_ascii_lowercase().as_str() {
        "train" | "training" => Some(Part::Train),
        "val" | "valid" | "validation" | "publictest" => Some(Part::Validation),
        "test" | "testing" | "privatetest" => Some(Part::Test),
        _ => None,
    }
}

/// The person of a picture named as in CK+: `S010` of `S010_004_00000017.png`.
fn person_of(name: &str) -> Option<String> {
    let (person, _) = name.split_once('_')?;
    let digits = person.strip_prefix(['S', 's'])?;
    let is_number = digits.len() >= 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| person.to_ascii_uppercase())
}

/// The path below a directory, as text.
fn below(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// The table of pixels that `path` is or holds: `fer2013.csv`, or the one CSV file with the columns.
fn pixel_table(path: &Path) -> Result<Option<PathBuf>> {
    if path.is_file() {
        return match has_pixels(path) {
            true => Ok(Some(path.to_owned())),
            false => Err(Error::new(
                ErrorKind::Dataset,
                "expected a CSV file with the columns emotion and pixels",
            )
            .with_path(path)),
        };
    }
    let usual = path.join("fer2013.csv");
    if usual.is_file() {
        return Ok(Some(usual).filter(|path| has_pixels(path)));
    }
    let entries = fs::read_dir(path).context_at(ErrorKind::Io, path, "cannot be listed")?;
    let mut tables: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|it| it.eq_ignore_ascii_case("csv"))
        })
        .filter(|path| has_pixels(path))
        .collect();
    tables.sort();
    match &tables[..] {
        [_, _, ..] => {
            let names: Vec<String> = tables.iter().map(|table| below(path, table)).collect();
            let message = format!(
                "holds several tables of pixels ({}); name one",
                names.join(", ")
            );
            Err(Error::new(ErrorKind::Dataset, message).with_path(path))
        }
        _ => Ok(tables.pop()),
    }
}

/// Whether a file is CSV with the columns `emotion` and `pixels`.
fn has_pixels(path: &Path) -> bool {
    let Ok(mut rows) = ReaderBuilder::new().trim(Trim::All).from_path(path) else {
        return false;
    };
    rows.headers().is_ok_and(|heads| {
        ["emotion", "pixels"]
            .iter()
            .all(|name| heads.iter().any(|head| head.eq_ignore_ascii_case(name)))
    })
}
