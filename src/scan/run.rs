//! Many files through the chain at once.

use super::{FileError, FoundFile};
use crate::contain::catch_panic;
use rayon::{
    ThreadPoolBuildError, ThreadPoolBuilder,
    iter::{ParallelBridge, ParallelIterator},
};
use std::{
    num::NonZeroUsize,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::sync_channel,
    },
};

/// One file is done.
#[derive(Debug)]
pub struct Finished<'a, T> {
    /// The file.
    pub file: &'a FoundFile,
    /// Its answer, or why it has none.
    pub outcome: Result<T, FileError>,
}

/// The run could not begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// When the system refuses to start threads.
    #[error("cannot start {threads} threads; ask for fewer with --threads")]
    Threads {
        threads: usize,
        #[source]
        source: ThreadPoolBuildError,
    },
}

/// Works on files on `threads` threads and hands each outcome to `on_finished`, on the calling thread, in the order in
/// which they become ready. Threads take the next file as soon as they are free, so none waits for the slowest. A panic in
/// `work` becomes that file's failure, and so does a file that changes meanwhile.
///
/// When `stop` is set, or when `on_finished` returns an error, no further file is begun; files in hand are completed.
///
/// # Errors
/// [`RunError::Threads`], or the first error of `on_finished`.
pub fn run<'a, T: Send, E: From<RunError>>(
    files: &'a [FoundFile],
    threads: NonZeroUsize,
    stop: &AtomicBool,
    work: impl Fn(&FoundFile) -> Result<T, FileError> + Sync,
    mut on_finished: impl FnMut(Finished<'a, T>) -> Result<(), E>,
) -> Result<(), E> {
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads.get())
        .thread_name(|n| format!("analyze-{n}"))
        .build()
        .map_err(|source| RunError::Threads {
            threads: threads.get(),
            source,
        })?;
    let failed = AtomicBool::new(false);
    // A short queue: the threads may run a little ahead of the caller, but never pile up results.
    let (sender, receiver) = sync_channel(2 * threads.get());
    pool.in_place_scope(|scope| {
        let (work, failed) = (&work, &failed);
        scope.spawn(move |_| {
            let files = files
                .iter()
                .take_while(|_| !stop.load(Ordering::Relaxed) && !failed.load(Ordering::Relaxed));
            // The bridge hands out one file at a time, in order.
            files.par_bridge().for_each_with(sender, |sender, file| {
                let outcome = work_contained(file, work);
                // Fails only where the caller has stopped listening.
                let _ = sender.send(Finished { file, outcome });
            });
        });
        let mut result = Ok(());
        for finished in receiver {
            if result.is_ok() {
                result = on_finished(finished);
                if result.is_err() {
                    failed.store(true, Ordering::Relaxed);
                }
            }
        }
        result
    })
}

fn work_contained<T>(
    file: &FoundFile,
    work: &(impl Fn(&FoundFile) -> Result<T, FileError> + Sync),
) -> Result<T, FileError> {
    let answer = catch_panic(|| work(file)).map_err(FileError::Panicked)??;
    match file.is_unchanged() {
        Ok(true) => Ok(answer),
        Ok(false) => Err(FileError::Changed),
        Err(error) => Err(FileError::Unreadable(error)),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        analysis::{Analysis, StageTimes},
        audio::{AudioInfo, Tags},
        emotion::EmotionVector,
        error::one_line,
        model::Prediction,
    };
    use std::{fs, path::Path, sync::Mutex, thread, time::Duration};

    pub(in super::super) fn a_song() -> Analysis {
        Analysis {
            audio: AudioInfo {
                sample_rate: 44_100,
                channels: 2,
                codec: "mp3".to_owned(),
                tags: Tags::default(),
                duration_s: 30.0,
                segment: None,
                damaged_packets: 0,
                missing_s: 0.0,
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
            },
            timeline: None,
            times: StageTimes {
                decode: 1.0,
                resample: 0.25,
                mel: 0.5,
                predict: 0.25,
            },
        }
    }

    fn some_files(folder: &Path, count: usize) -> Vec<FoundFile> {
        (0..count)
            .map(|n| {
                let path = folder.join(format!("{n:03}.mp3"));
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
        let folder = tempfile::tempdir().unwrap();
        let files = some_files(folder.path(), 100);
        let mut seen = Vec::new();
        run::<_, RunError>(
            &files,
            two(),
            &AtomicBool::new(false),
            |_| Ok(a_song()),
            |finished| {
                finished.outcome.unwrap();
                seen.push(finished.file.path.clone());
                Ok(())
            },
        )
        .unwrap();
        seen.sort();
        let expected: Vec<_> = files.iter().map(|f| f.path.clone()).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_panic_is_the_failure_of_its_file_alone() {
        crate::contain::silence_caught_panics();
        let folder = tempfile::tempdir().unwrap();
        let files = some_files(folder.path(), 10);
        let mut failed = Vec::new();
        run::<_, RunError>(
            &files,
            two(),
            &AtomicBool::new(false),
            |file| {
                assert!(!file.path.ends_with("004.mp3"), "not this one");
                Ok(a_song())
            },
            |finished| {
                if let Err(error) = finished.outcome {
                    failed.push((finished.file.path.clone(), one_line(&error)));
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
    fn no_file_waits_for_the_slowest() {
        let folder = tempfile::tempdir().unwrap();
        let files = some_files(folder.path(), 20);
        let mut order = Vec::new();
        run::<_, RunError>(
            &files,
            two(),
            &AtomicBool::new(false),
            |file| {
                if file.path.ends_with("000.mp3") {
                    thread::sleep(Duration::from_millis(500));
                }
                Ok(a_song())
            },
            |finished| {
                order.push(finished.file.path.clone());
                Ok(())
            },
        )
        .unwrap();
        assert!(order[19].ends_with("000.mp3"), "the slow file comes last");
    }

    #[test]
    fn an_error_of_the_caller_stops_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let files = some_files(folder.path(), 200);
        let begun = Mutex::new(0);
        let result = run(
            &files,
            two(),
            &AtomicBool::new(false),
            |_| {
                *begun.lock().unwrap() += 1;
                thread::sleep(Duration::from_millis(1));
                Ok(a_song())
            },
            |_| -> Result<(), Box<dyn std::error::Error>> { Err("the disk is full".into()) },
        );
        assert_eq!(result.unwrap_err().to_string(), "the disk is full");
        assert!(*begun.lock().unwrap() < 100);
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_fails() {
        let folder = tempfile::tempdir().unwrap();
        let files = some_files(folder.path(), 1);
        let mut outcome = None;
        run::<_, RunError>(
            &files,
            two(),
            &AtomicBool::new(false),
            |file| {
                fs::write(&file.path, b"longer than before").unwrap();
                Ok(a_song())
            },
            |finished| {
                outcome = Some(finished.outcome);
                Ok(())
            },
        )
        .unwrap();
        assert!(matches!(outcome, Some(Err(FileError::Changed))));
    }

    #[test]
    fn a_stop_completes_the_files_in_hand_and_begins_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let files = some_files(folder.path(), 200);
        let stop = AtomicBool::new(false);
        let mut done = 0;
        run::<_, RunError>(
            &files,
            two(),
            &stop,
            |_| {
                thread::sleep(Duration::from_millis(1));
                Ok(a_song())
            },
            |finished| {
                finished.outcome.unwrap();
                done += 1;
                stop.store(true, Ordering::Relaxed);
                Ok(())
            },
        )
        .unwrap();
        assert!((1..100).contains(&done), "{done}");
    }
}
