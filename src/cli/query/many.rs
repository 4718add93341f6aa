//! `--queries`: many questions from a file.

use crate::{
    cli::{CliResult, Console, Exit},
    library::Library,
    search::{Query, Questions, answer_many},
};
use std::{num::NonZeroUsize, path::Path};

pub(crate) fn run(
    search: &Query,
    library: &Library,
    questions: &Path,
    k: NonZeroUsize,
    output: &Path,
    console: &Console,
) -> CliResult {
    let questions = Questions::open(questions)?;
    let answered = answer_many(search, library, questions, k, output)?;
    console.remark(&format!(
        "{}: {} questions, {} answers",
        output.display(),
        answered.questions,
        answered.rows
    ));
    Ok(Exit::AllDone)
}
