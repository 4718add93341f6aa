//! [`Network`]: a graph of [`onnx`](super::onnx) that runs in rten, one thread a call.

use std::{
    cell::OnceCell,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use prost::Message;
use rten::{Dimension, ModelOptions, NodeId, RunOptions, ThreadPool, Value, op_registry};

use super::onnx::{GraphProto, ModelProto};
use crate::contain::catch_panic;

/// Numbers that one value inside a network may have. Sizes come from a file of unknown origin, and an allocation that
/// fails ends the program.
const MAX_NUMBERS: usize = 1 << 27;

/// A graph ready to run. Its inputs have a batch of one window.
#[derive(Debug)]
pub(crate) struct Network {
    model: rten::Model,
    input: NodeId,
    outputs: Vec<NodeId>,
    shape: Vec<usize>,
}

impl Network {
    /// Prepares `proto` for an input of the shape `[1, shape...]` and outputs of the given names.
    ///
    /// # Errors
    /// The reason as text, where the graph holds what rten cannot run or a value of more than [`MAX_NUMBERS`].
    pub(crate) fn new(
        mut proto: ModelProto,
        input: &str,
        shape: &[usize],
        outputs: &[&str],
    ) -> Result<Self, String> {
        let shape = [&[1], shape].concat();
        check_size(input, &shape)?;
        let graph = proto.graph.get_or_insert_default();
        fix_batch(graph, input);
        let values: Vec<String> = graph
            .node
            .iter()
            .flat_map(|node| node.output.clone())
            .collect();
        // The operators of the networks of recipes and of teachers, and none that loops, branches or makes large values of small ones.
        let mut options = ModelOptions::with_ops(op_registry!(
            Add,
            AveragePool,
            Concat,
            Conv,
            Div,
            Exp,
            Gemm,
            LSTM,
            Log,
            MaxPool,
            Mul,
            ReduceMax,
            ReduceMean,
            ReduceSum,
            Relu,
            Reshape,
            Sigmoid,
            Softmax,
            Sqrt,
            Sub,
            Transpose
        ));
        options.prepack_weights(true);
        let bytes = proto.encode_to_vec();
        // rten may panic where a damaged graph's names or numbers contradict each other.
        let model = catch_panic(|| options.load(bytes))
            .map_err(|panic| panic.to_string())?
            .map_err(|error| error.to_string())?;
        for name in &values {
            let shape = model
                .find_node(name)
                .and_then(|id| model.node_info(id)?.shape());
            let sizes = shape
                .unwrap_or_default()
                .into_iter()
                .map(|size| match size {
                    Dimension::Fixed(size) => size,
                    Dimension::Symbolic(_) => 1,
                });
            check_size(name, &sizes.collect::<Vec<_>>())?;
        }
        let id = |name| model.node_id(name).map_err(|error| error.to_string());
        Ok(Self {
            input: id(input)?,
            outputs: outputs
                .iter()
                .map(|name| id(name))
                .collect::<Result<_, _>>()?,
            model,
            shape,
        })
    }

    /// Numbers of the input.
    pub(crate) fn input_len(&self) -> usize {
        self.shape.iter().product()
    }

    /// The outputs' numbers for one input.
    ///
    /// # Errors
    /// The reason as text, where the network fails on it.
    pub(crate) fn run(self: &Arc<Self>, input: &[f32]) -> Result<Vec<Vec<f32>>, String> {
        // The first call of a thread starts its engine.
        thread_local!(static ENGINE: OnceCell<Engine> = const { OnceCell::new() });
        ENGINE.with(|engine| {
            engine
                .get_or_init(Engine::start)
                .run(self.clone(), input.to_vec())
        })
    }

    fn run_here(&self, input: Vec<f32>, options: RunOptions) -> Result<Vec<Vec<f32>>, String> {
        let input = Value::from_shape(&self.shape, input).map_err(|error| error.to_string())?;
        let outputs = self
            .model
            .run(
                vec![(self.input, input.into())],
                &self.outputs,
                Some(options),
            )
            .map_err(|error| error.to_string())?;
        let numbers = |value: Value| match value.into_tensor::<f32>() {
            Some(tensor) => Ok(tensor.into_data()),
            None => Err("an output holds no numbers".to_owned()),
        };
        outputs.into_iter().map(numbers).collect()
    }
}

/// Declares that the input holds one window, so that rten knows every size.
fn fix_batch(graph: &mut GraphProto, input: &str) {
    let batch = graph
        .input
        .iter_mut()
        .filter(|value| value.name == input)
        .filter_map(|value| {
            value
                .r#type
                .as_mut()?
                .tensor_type
                .as_mut()?
                .shape
                .as_mut()?
                .dim
                .first_mut()
        });
    for size in batch {
        size.dim_value = Some(1);
        size.dim_param = None;
    }
}

fn check_size(name: &str, shape: &[usize]) -> Result<(), String> {
    let numbers = shape
        .iter()
        .try_fold(1_usize, |product, &size| product.checked_mul(size));
    match numbers {
        Some(numbers) if numbers <= MAX_NUMBERS => Ok(()),
        _ => Err(format!(
            "`{name}` of the shape {shape:?} is larger than any window needs"
        )),
    }
}

/// A thread that runs networks for the thread that owns it.
///
/// Songs are analyzed side by side, so a network must run on one thread and wait for no other song's. rten always hands
/// a run to a pool of its own. A caller that is a thread of another pool would meanwhile take up the next song there, so
/// the handing over is done here, by channels.
struct Engine {
    jobs: Sender<(Arc<Network>, Vec<f32>)>,
    answers: Receiver<Result<Vec<Vec<f32>>, String>>,
}

impl Engine {
    fn start() -> Self {
        let (jobs, queue) = channel::<(Arc<Network>, Vec<f32>)>();
        let (sender, answers) = channel();
        let pool = Arc::new(ThreadPool::with_num_threads(1));
        let options = RunOptions::default().with_thread_pool(Some(pool.clone()));
        // Inside the pool, runs on that pool stay on its one thread.
        let work = move || {
            for (network, input) in queue {
                let answer = catch_panic(|| network.run_here(input, options.clone()))
                    .unwrap_or_else(|panic| Err(panic.to_string()));
                if sender.send(answer).is_err() {
                    break;
                }
            }
        };
        // Not from this thread: if it is a rayon worker, it would take up the next song while it waits, and come here again.
        thread::scope(|scope| {
            scope.spawn(|| pool.run(|| rayon::spawn(work)));
        });
        Self { jobs, answers }
    }

    fn run(&self, network: Arc<Network>, input: Vec<f32>) -> Result<Vec<Vec<f32>>, String> {
        let gone = || "the thread that runs the network has ended".to_owned();
        self.jobs.send((network, input)).map_err(|_| gone())?;
        self.answers.recv().map_err(|_| gone())?
    }
}
