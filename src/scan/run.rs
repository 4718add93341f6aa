//! Analyzing many files in parallel.

use super::{FoundFile, walk::cannot_read};
use crate::{Error, ErrorKind, Result, contain::catch_panic, error::Context};
use rayon::{
    ThreadPoolBuilder,
    iter::{ParallelBridge, ParallelIterator},
};
use std::{
    num::NonZeroUsize,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::sync_channel,
    },
};

/// Calls `work` for each file on `threads` threads, and `on_finished` with each outcome on the calling thread, in the order
/// in which they are ready. Threads take the next file as soon as they are free. A file fails if `work` panics, or if the
/// file changes during it.
///
/// When `stop` is set or `on_finished` fails, files in progress are finished and no other is started.
///
/// # Errors
/// When threads cannot be started, or the first error of `on_finished`.
pub(super) fn run<'a, T: Send>(
    files: &'a [FoundFile],
    threads: NonZeroUsize,
    stop: &AtomicBool,
    work: impl Fn(&FoundFile) -> Result<T> + Sync,
    mut on_finished: impl FnMut(&'a FoundFile, Result<T>) -> Result<()>,
) -> Result<()> {
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads.get())
        .thread_name(|n| format!("analyze-{n}"))
        .build();
    let too_many = format!("cannot start {threads} threads; use fewer with --threads");
    let pool = pool.context(ErrorKind::InvalidInput, too_many)?;
    let failed = AtomicBool::new(false);
    // A short queue: threads may be a little ahead of the caller, but results never pile up.
    let (sender, receiver) = sync_channel(2 * threads.get());
    pool.in_place_scope(|scope| {
        let (work, failed) = (&work, &failed);
        scope.spawn(move |_| {
            let files = files
                .iter()
                .take_while(|_| !stop.load(Ordering::Relaxed) && !failed.load(Ordering::Relaxed));
            // The bridge takes one file at a time, in order.
            files.par_bridge().for_each_with(sender, |sender, file| {
                // Sending fails only if the caller is gone.
                let _ = sender.send((file, work_on(file, work)));
            });
        });
        let mut result = Ok(());
        for (file, outcome) in receiver {
            if result.is_ok() {
                result = on_finished(file, outcome);
                failed.store(result.is_err(), Ordering::Relaxed);
            }
        }
        result
    })
}

/// Calls `work` for a file, which fails if `work` panics, or if the file changes during it.
pub(super) fn work_on<T>(
    file: &FoundFile,
    work: &(impl Fn(&FoundFile) -> Result<T> + Sync),
) -> Result<T> {
    let answer = catch_panic(|| work(file))??;
    match file.is_unchanged() {
        Ok(true) => Ok(answer),
        Ok(false) => {
            let message = "changed while it was read; analyze it again";
            Err(Error::new(ErrorKind::Io, message).with_path(&file.path))
        }
        Err(source) => Err(cannot_read(&file.path, source)),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        analysis::Analysis,
        audio::{AudioInfo, Tags},
        emotion::EmotionVector,
        error::one_line,
        model::Prediction,
    };
    use std::{fs, path::Path, sync::Mutex, thread, time::Duration};

    pub(in super::super) fn a_song() -> Analysis {
        Analysis {
            audio: AudioInfo {
                decoder: "symphonia",
                sample_rate: 44_100,
                channels: 2,
                codec: "mp3".to_owned(),
                tags: Tags::default(),
                duration_s: 30.0,
                segment: None,
                damaged_packets: 0,
                missing_s: 0.0,
                channel: None,
            },
            windows: 3,
            silent: false,
            repeated: false,
            prediction: Prediction {
                emotions: EmotionVector::even(),
                valence: 5.0,
                arousal: 5.0,
                embedding: vec![0.5; 4],
                probabilities: None,
                felt: None,
                attention: None,
            },
            timeline: None,
        }
    }

    fn some_files(directory: &Path, count: usize) -> Vec<FoundFile> {
        (0..count)
            .map(|n| {
                let path = directory.join(format!("{n:03}.mp3"));
                fs::write(&path, b"x").unwrap();
                FoundFile::new(path.clone(), &fs::metadata(&path).unwrap())
            })
            .collect()
    }

    fn two() -> NonZeroUsize {
        NonZeroUsize::new(2).unwrap()
    }

    #[test]
    fn every_file_gets_exactly_one_outcome() {
        let directory = tempfile::tempdir().unwrap();
        let files = some_files(directory.path(), 100);
        let mut seen = Vec::new();
        run(
            &files,
            two(),
            &AtomicBool::new(false),
            |_| Ok(a_song()),
            |file, outcome| {
                outcome.unwrap();
                seen.push(file.path.clone());
                Ok(())
            },
        )
        .unwrap();
        seen.sort();
        let expected: Vec<_> = files.iter().map(|f| f.path.clone()).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_panic_fails_only_its_file() {
        crate::contain::silence_caught_panics();
        let directory = tempfile::tempdir().unwrap();
        let files = some_files(directory.path(), 10);
        let mut failed = Vec::new();
        run(
            &files,
            two(),
            &AtomicBool::new(false),
            |file| {
                assert!(!file.path.ends_with("004.mp3"), "not this one");
                Ok(a_song())
            },
            |file, outcome| {
                if let Err(error) = outcome {
                    failed.push((file.path.clone(), one_line(&error)));
                }
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(failed.len(), 1);
        assert!(failed[0].0.ends_with("004.mp3"));
        assert!(failed[0].1.contains("not this one"));
    }

    #[test]
    fn no_file_waits_for_a_slow_one() {
        let directory = tempfile::tempdir().unwrap();
        let files = some_files(directory.path(), 20);
        let mut order = Vec::new();
        run(
            &files,
            two(),
            &AtomicBool::new(false),
            |file| {
                if file.path.ends_with("000.mp3") {
                    thread::sleep(Duration::from_millis(500));
                }
                Ok(a_song())
            },
            |file, _| {
                order.push(file.path.clone());
                Ok(())
            },
        )
        .unwrap();
        assert!(order[19].ends_with("000.mp3"), "the slow file comes last");
    }

    #[test]
    fn an_error_of_the_caller_stops_the_run() {
        let directory = tempfile::tempdir().unwrap();
        let files = some_files(directory.path(), 200);
        let started = Mutex::new(0);
        let result = run(
            &files,
            two(),
            &AtomicBool::new(false),
            |_| {
                *started.lock().unwrap() += 1;
                thread::sleep(Duration::from_millis(1));
                Ok(a_song())
            },
            |_, _| Err(Error::new(ErrorKind::Io, "the disk is full")),
        );
        assert_eq!(result.unwrap_err().to_string(), "the disk is full");
        assert!(*started.lock().unwrap() < 100);
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_fails() {
        let directory = tempfile::tempdir().unwrap();
        let files = some_files(directory.path(), 1);
        let mut outcome = None;
        run(
            &files,
            two(),
            &AtomicBool::new(false),
            |file| {
                fs::write(&file.path, b"longer than before").unwrap();
                Ok(a_song())
            },
            |_, result| {
                outcome = Some(result);
                Ok(())
            },
        )
        .unwrap();
        let error = outcome.unwrap().unwrap_err();
        assert!(error.to_string().contains("changed while"), "{error}");
    }

    #[test]
    fn a_stop_finishes_files_in_progress_and_starts_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let files = some_files(directory.path(), 200);
        let stop = AtomicBool::new(false);
        let mut done = 0;
        run(
            &files,
            two(),
            &stop,
            |_| {
                thread::sleep(Duration::from_millis(1));
                Ok(a_song())
            },
            |_, outcome| {
                outcome.unwrap();
                done += 1;
                stop.store(true, Ordering::Relaxed);
                Ok(())
            },
        )
        .unwrap();
        assert!((1..100).contains(&done), "{done}");
    }
}
