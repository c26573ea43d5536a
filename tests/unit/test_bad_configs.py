"""Bad input of every kind that the configuration alone shows: each ends in its one line, before any job."""

import copy
import math
import re

import pytest

from pathattr import InputError, installed, source, strict
from pathattr.config import check, load
from pathattr.study import Study

from .test_config import ROOT, SCHEMA, SHIPPED

NAN, INF = math.nan, math.inf
SWEEP = "papers/lpi/artefacts/fig6l/sweep"

# path (a tuple, where a key is no text), value, the line; "..." in it: the names that there are
BAD = [
    ("sede", 1, "top level: unknown key 'sede'; accepted: ...; did you mean seed?"),
    ("seed", -1, "seed: found -1; accepted: a whole number, at least 0, at most 4294967295"),
    ("seed", NAN, "seed: found nan; accepted: a whole number, at least 0, at most 4294967295"),
    ("seed", "0", "seed: found '0'; accepted: a whole number, at least 0, at most 4294967295"),
    ("seed", True, "seed: found True; accepted: a whole number, at least 0, at most 4294967295"),
    ("seed", None, "seed: found None; accepted: a whole number, at least 0, at most 4294967295"),
    ("device", "gpu", "device: found 'gpu'; accepted: cpu, cuda"),
    ("device", ["cpu"], "device: found ['cpu']; accepted: cpu, cuda"),
    ("micro_batch", 24, "micro_batch: found 24; accepted: a whole number, at least 16, a multiple of 16"),
    ("micro_batch", 0, "micro_batch: found 0; accepted: a whole number, at least 16, a multiple of 16"),
    ("micro_batch", 32.0, "micro_batch: found 32.0; accepted: a whole number, at least 16, a multiple of 16"),
    ("images_per_shard", 0, "images_per_shard: found 0; accepted: a whole number, at least 1"),
    ("images_per_shard", "all", "images_per_shard: found 'all'; accepted: a whole number, at least 1"),
    ("training_shards", 0, "training_shards: found 0; accepted: a whole number, at least 1"),
    ("training_shards", 1398, "training_shards: found 1398; accepted: at most the 1397 training images of digits"),
    ("training_shards", INF, "training_shards: found inf; accepted: a whole number, at least 1"),
    ("background_images", 0, "background_images: found 0; accepted: a whole number or null, at least 1"),
    ("maps_dtype", "float64", "maps_dtype: found 'float64'; accepted: float32, float16"),
    ("threads", 4, "threads: found 4; accepted: a mapping"),
    ("threads/train", 0, "threads.train: found 0; accepted: a whole number, at least 1"),
    ("threads/all", 1, "threads: unknown key 'all'; accepted: train, compute"),
    ("datasets", [], "datasets: found []; accepted: a mapping"),
    ("datasets", None, "datasets: found None; accepted: a mapping"),
    ("datasets/digits", "digits", "datasets.digits: found 'digits'; accepted: a mapping"),
    ("datasets/digits/dataset", "digts", "datasets.digits: no registered dataset 'digts'; accepted: ...; did you mean digits?"),
    ("datasets/digits/size", 7, "datasets.digits: found size 7; accepted: at least 8 pixels"),
    ("datasets/digits/size", 0, "datasets.digits.size: found 0; accepted: a whole number, at least 1, at most 10000"),
    ("datasets/digits/size", 10000000, "datasets.digits.size: found 10000000; accepted: a whole number, at least 1, at most 10000"),
    ("datasets/digits/size", 16.5, "datasets.digits.size: found 16.5; accepted: a whole number, at least 1, at most 10000"),
    (
        "datasets/digits/trian",
        100,
        "datasets.digits: unknown key 'trian'; accepted: size, train, test, dataset; did you mean train?",
    ),
    ("datasets/digits/test", -1, "datasets.digits.test: found -1; accepted: a whole number, at least 1, at most 1000000"),
    ("datasets/digits_on_photos/size", 15, "datasets.digits_on_photos: found size 15; accepted: at least 16 pixels"),
    ("datasets/Digits", {"dataset": "digits"}, "datasets: found 'Digits'; accepted: text like ^[a-z0-9_]+$"),
    ("datasets/own", {"dataset": "imagefolder"}, "datasets.own: root missing; accepted: text"),
    ("datasets/own", {"dataset": "imagefolder", "root": "here", "channels": 2}, "datasets.own.channels: found 2; accepted: 1, 3"),
    (
        "datasets/own",
        {"dataset": "imagefolder", "root": "here", "crop": "center"},
        "datasets.own.crop: found 'center'; accepted: squash, centre; did you mean centre?",
    ),
    (
        "datasets/own",
        {"dataset": "torchvision", "root": "here", "name": "CIFAR"},
        "datasets.own.name: found 'CIFAR'; accepted: CIFAR10, CIFAR100, MNIST, FashionMNIST; did you mean CIFAR10?",
    ),
    (("datasets", 5), {"dataset": "digits"}, "datasets: found the key 5; accepted: text, in quotes where YAML reads another thing"),
    (
        "models/vgg_small/dataset",
        "digits_on_photo",
        "models.vgg_small.dataset: found 'digits_on_photo'; accepted: ...; did you mean digits_on_photos?",
    ),
    (
        "models/vgg_small/architecture",
        "vgg_smal",
        "models.vgg_small.architecture: found 'vgg_smal'; accepted: ...; did you mean vgg_small?",
    ),
    (
        "models/vgg_small/architecture",
        "torchvision.resnet43",
        "models.vgg_small.architecture: torchvision has no classifier 'resnet43'; accepted: ...; did you mean resnet34?",
    ),
    (
        "models/vgg_small/architecture",
        "torchvision",
        "models.vgg_small.architecture: found 'torchvision'; accepted: ...; did you mean torchvision.NAME?",
    ),
    ("models/vgg_small/architecture", 5, "models.vgg_small.architecture: found 5; accepted: text"),
    ("models/vgg_small/weights", None, "models.vgg_small.weights: found None; accepted: text"),
    ("models/vgg_small/mean", [NAN], "models.vgg_small.mean.0: found nan; accepted: a finite number"),
    ("models/vgg_small/std", [0], "models.vgg_small.std.0: found 0; accepted: a finite number, above 0"),
    ("models/vgg_small/std", [INF], "models.vgg_small.std.0: found inf; accepted: a finite number, above 0"),
    ("models/vgg_small/classes", 1, "models.vgg_small.classes: found 1; accepted: a whole number, at least 2"),
    ("models/vgg_small/trainings", {}, "models.vgg_small: unknown key 'trainings'; accepted: ...; did you mean training?"),
    ("models/vgg_small/training", None, "models.vgg_small.training: found None; accepted: a mapping"),
    ("models/vgg_small/training/epochs", 0, "models.vgg_small.training.epochs: found 0; accepted: a whole number, at least 1"),
    (
        "models/vgg_small/training/epochs",
        10**15,
        "models.vgg_small.training.epochs: found 1000000000000000; accepted: a whole number, at least 1, at most 1000000",
    ),
    (
        "models/vgg_small/training/learning_rate",
        NAN,
        "models.vgg_small.training.learning_rate: found nan; accepted: a finite number, above 0",
    ),
    (
        "models/vgg_small/training/learning_rate",
        INF,
        "models.vgg_small.training.learning_rate: found inf; accepted: a finite number, above 0",
    ),
    (
        "models/vgg_small/training/learning_rate",
        0,
        "models.vgg_small.training.learning_rate: found 0; accepted: a finite number, above 0",
    ),
    (
        "models/vgg_small/training/learning_rate",
        -0.1,
        "models.vgg_small.training.learning_rate: found -0.1; accepted: a finite number, above 0",
    ),
    (
        "models/vgg_small/training/weight_decay",
        -0.1,
        "models.vgg_small.training.weight_decay: found -0.1; accepted: a finite number, at least 0",
    ),
    (
        "models/vgg_small/training/batch_size",
        1,
        "models.vgg_small.training.batch_size: found 1; accepted: a whole number, at least 2",
    ),
    (
        "models/vgg_small/training/batch_size",
        6001,
        "models.vgg_small.training: found 8 epochs of 0 batches out of 6000 images; accepted: at least 4 batches in all",
    ),
    (
        "models/vgg_small/training/seeds",
        10,
        "models.vgg_small.training.seeds: found 10; accepted: a whole number, at least 1, at most 9",
    ),
    (
        "models/vgg_small/training/training",
        "classify",
        "models.vgg_small.training: no registered training 'classify'; accepted: ...; did you mean classification?",
    ),
    (
        "models/vgg_small/training/epoch",
        3,
        "models.vgg_small.training: unknown key 'epoch'; accepted: ...; did you mean epochs?",
    ),
    (
        "models/prior_eg/training/references",
        64,
        "models.prior_eg.training: found references 64, batch_size 64; accepted: fewer references than the images of a batch",
    ),
    (
        "models/prior_eg/training/strengths",
        [0.1, -1.0],
        "models.prior_eg.training.strengths.1: found -1.0; accepted: a finite number, above 0",
    ),
    (
        "models/prior_eg/training/strengths",
        [],
        "models.prior_eg.training.strengths: found []; accepted: a list, at least 1 long, each value once",
    ),
    (
        "models/prior_eg/training/held_out",
        0,
        "models.prior_eg.training.held_out: found 0; accepted: a finite number, above 0, below 1",
    ),
    (
        "models/prior_eg/training/loss_allowed",
        -0.01,
        "models.prior_eg.training.loss_allowed: found -0.01; accepted: a finite number, at least 0",
    ),
    (
        "models/prior_eg/training/form",
        "valid",
        "models.prior_eg.training.form: found 'valid'; accepted: none, vanilla, valid_references",
    ),
    ("models/vgg_pairs/start", "vgg_smal", "models.vgg_pairs.start: found 'vgg_smal'; accepted: ...; did you mean vgg_small?"),
    ("models/inception_1/randomised", 0, "models.inception_1.randomised: found 0; accepted: a whole number, at least 1"),
    (
        "models/inception_1/weights",
        "inception_smal",
        "models.inception_1.weights: found 'inception_smal', beside `randomised`; accepted: ...; did you mean inception_small?",
    ),
    ("models/inception_1/dataset", "digits", "models.inception_1.dataset: found 'digits'; accepted: that of inception_small"),
    (
        "models/Vgg",
        {"dataset": "digits", "architecture": "mnist_net", "weights": "trained"},
        "models: found 'Vgg'; accepted: text like ^[a-z0-9_]+$",
    ),
    (
        ("models", True),
        {"dataset": "digits", "architecture": "mnist_net", "weights": "trained"},
        "models: found the key True; accepted: text, in quotes where YAML reads another thing",
    ),
    ("methods/igg", {}, "methods.igg: no registered method 'igg'; accepted: ...; did you mean ig?"),
    ("methods/ig/method", "eig", "methods.ig: no registered method 'eig'; accepted: ...; did you mean ig?"),
    ("methods/ig", "off", "methods.ig: found 'off'; accepted: a mapping or null"),
    ("methods/ig", [], "methods.ig: found []; accepted: a mapping or null"),
    (("methods", 5), {"method": "ig"}, "methods: found the key 5; accepted: text, in quotes where YAML reads another thing"),
    (("methods", True), {"method": "ig"}, "methods: found the key True; accepted: text, in quotes where YAML reads another thing"),
    (
        "methods/ig/stepz",
        3,
        "methods.ig: unknown key 'stepz'; accepted: ...; did you mean steps?",
    ),
    ("methods/ig/steps", 0, "methods.ig.steps: found 0; accepted: a whole number, at least 1, at most 1000000"),
    ("methods/ig/steps", -5, "methods.ig.steps: found -5; accepted: a whole number, at least 1, at most 1000000"),
    ("methods/ig/steps", 10**15, "methods.ig.steps: found 1000000000000000; accepted: a whole number, at least 1, at most 1000000"),
    ("methods/ig/steps", 4.0, "methods.ig.steps: found 4.0; accepted: a whole number, at least 1, at most 1000000"),
    ("methods/ig/steps", "20", "methods.ig.steps: found '20'; accepted: a whole number, at least 1, at most 1000000"),
    ("methods/ig/steps", True, "methods.ig.steps: found True; accepted: a whole number, at least 1, at most 1000000"),
    ("methods/ig/steps", None, "methods.ig.steps: found None; accepted: a whole number, at least 1, at most 1000000"),
    ("methods/ig/steps", [20], "methods.ig.steps: found [20]; accepted: a whole number, at least 1, at most 1000000"),
    ("methods/ig/steps", {"vgg": 3}, "methods.ig.steps.vgg: no model 'vgg'; accepted: ...; did you mean vgg_32?"),
    (
        "methods/ig/rule",
        "trapezium",
        "methods.ig.rule: found 'trapezium'; accepted: midpoint, right, trapezoid, gauss; did you mean trapezoid?",
    ),
    ("methods/ig/baseline", NAN, "methods.ig.baseline: found nan; accepted: a finite number"),
    ("methods/ig/baseline", "black", "methods.ig.baseline: found 'black'; accepted: a finite number"),
    ("methods/ig/objective", "logits", "methods.ig.objective: found 'logits'; accepted: logit, probability, log_probability, loss"),
    ("methods/ig/variants", [], "methods.ig.variants: found []; accepted: a list, at least 1 long, each value once"),
    (
        "methods/ig/variants",
        ["signed"],
        "methods.ig.variants.0: found 'signed'; accepted: vanilla, absolute, valid_interpolations, valid_references, per_unit",
    ),
    (
        "methods/ig/variants",
        ["vanilla", "vanilla"],
        "methods.ig.variants: found ['vanilla', 'vanilla']; accepted: a list, at least 1 long, each value once",
    ),
    (
        "methods/ig/variants",
        ["valid_references"],
        "methods.ig.variants: found valid_references; accepted: vanilla, absolute, per_unit",
    ),
    (
        "methods/la_ig/steps",
        1,
        "methods.la_ig: found steps 1, ...; accepted: at least 2 steps by the trapezoid rule or as released",
    ),
    ("methods/big/steps", 1, "methods.big: found steps 1, rule 'trapezoid'; accepted: at least 2 steps by the trapezoid rule"),
    (
        "methods/ig_as_released/steps",
        1,
        "methods.ig_as_released: found steps 1, ...; accepted: at least 2 steps by the trapezoid rule or as released",
    ),
    (
        "methods/big/rule",
        "gauss!",
        "methods.big.rule: found 'gauss!'; accepted: midpoint, right, trapezoid, gauss; did you mean gauss?",
    ),
    ("methods/ig/upto", {"steps": [2]}, "methods.ig.upto: found steps; accepted: none, ig has no nested parameter"),
    (
        "methods/ig_uniform_many/upto",
        {"references": [40]},
        "methods.ig_uniform_many.upto.references: found 40; accepted: numbers below its references, 40",
    ),
    (
        "methods/ig_uniform_many/upto",
        {"references": [0]},
        "methods.ig_uniform_many.upto.references: found 0; accepted: a whole number, at least 1, at most 1000000",
    ),
    (
        "methods/ig_uniform_many/upto",
        {"references": []},
        "methods.ig_uniform_many.upto.references: found []; accepted: a list, at least 1 long, each value once",
    ),
    ("methods/credible/steps", 2, "methods.credible: found steps 2; accepted: at least one step a baseline"),
    ("methods/credible/blurs", [], "methods.credible.blurs: found []; accepted: a list, at least 1 long, each value once"),
    (
        "methods/credible/blurs",
        [2.0, -4.0],
        "methods.credible.blurs.1: found -4.0; accepted: a finite number, above 0, at most 1000",
    ),
    (
        "methods/credible/blurs",
        [1000000000.0],
        "methods.credible.blurs.0: found 1000000000.0; accepted: a finite number, above 0, at most 1000",
    ),
    ("methods/credible/step_size", 0, "methods.credible.step_size: found 0; accepted: a finite number, above 0"),
    ("methods/credible/tolerance", -0.1, "methods.credible.tolerance: found -0.1; accepted: a finite number, at least 0"),
    ("methods/credible/delta", 0.6, "methods.credible.delta: found 0.6; accepted: a finite number, above 0, at most 0.5"),
    (
        "methods/credible/iterations",
        0,
        "methods.credible.iterations: found 0; accepted: a whole number, at least 1, at most 1000000",
    ),
    (
        "methods/credible/baseline",
        "compute",
        "methods.credible.baseline: found 'compute'; accepted: ...; did you mean compute_baseline?",
    ),
    (
        "methods/recalibration_agi/classes",
        10,
        "methods.recalibration_agi.classes, on digits_on_photos: found 10; accepted: a whole number, at least 1, at most the 9 "
        "other classes",
    ),
    ("methods/agi/step_size", -0.05, "methods.agi.step_size: found -0.05; accepted: a finite number, above 0"),
    ("methods/mfaba/step_size", 0, "methods.mfaba.step_size: found 0; accepted: a finite number, above 0"),
    ("methods/smoothgrad/noise", -0.1, "methods.smoothgrad.noise: found -0.1; accepted: a finite number, at least 0"),
    ("methods/ig_sg/noise", INF, "methods.ig_sg.noise: found inf; accepted: a finite number, at least 0"),
    ("methods/ig3/std", -1, "methods.ig3.std: found -1; accepted: a finite number, at least 0"),
    ("methods/ig_gaussian/mean", NAN, "methods.ig_gaussian.mean: found nan; accepted: a finite number"),
    ("methods/ig_gaussian/std", NAN, "methods.ig_gaussian.std: found nan; accepted: a finite number, at least 0"),
    ("methods/la/spatial_range", 0, "methods.la.spatial_range: found 0; accepted: a finite number, above 0"),
    ("methods/la/attack", "any", "methods.la.attack: found 'any'; accepted: both, targeted, untargeted"),
    ("methods/big/radii", [0.3, 0], "methods.big.radii.1: found 0; accepted: a finite number, above 0"),
    ("methods/big/attack_steps", 0, "methods.big.attack_steps: found 0; accepted: a whole number, at least 1, at most 1000000"),
    ("methods/gig/fraction", 0, "methods.gig.fraction: found 0; accepted: a finite number, above 0, at most 1"),
    ("methods/gig/max_dist", -0.1, "methods.gig.max_dist: found -0.1; accepted: a finite number, at least 0"),
    ("methods/attexplore/epsilon", 0, "methods.attexplore.epsilon: found 0; accepted: a finite number, above 0"),
    ("methods/lrp_epsilon/epsilon", 0, "methods.lrp_epsilon.epsilon: found 0; accepted: a finite number, above 0"),
    ("methods/perturbation_patch/size", 49, "methods.perturbation_patch.size, on digits_on_photos: found 49; accepted: ..."),
    (
        "methods/eg/references",
        6001,
        "methods.eg.references, on digits_on_photos: found 6001; accepted: ...",
    ),
    (
        "methods/lpi/references",
        6001,
        "methods.lpi.references, on digits_on_photos: found 6001; accepted: ...",
    ),
    (
        "methods/lpi/neighbourhoods",
        {"vgg_pairs": 9, "resnet_pairs": 7, "resnet_small": 6001},
        "methods.lpi.neighbourhoods, on digits_on_photos: found 6001; accepted: ...",
    ),
    (
        "methods/lpi/neighbourhoods/vgg_par",
        3,
        "methods.lpi.neighbourhoods.vgg_par: no model 'vgg_par'; accepted: ...; did you mean vgg_pairs?",
    ),
    (
        "methods/lpi/neighbourhoods",
        {"vgg_pairs": 9, "resnet_pairs": 7},
        "methods.lpi.neighbourhoods: no value for model resnet_small; accepted: one a model in use, or one for `other`",
    ),
    ("methods/agi_as_released/as_released", "yes", "methods.agi_as_released.as_released: found 'yes'; accepted: true or false"),
    (
        "methods/occlusion/method",
        "captum:Oclusion",
        "methods.occlusion.method: captum has no attribution class 'Oclusion'; accepted: ...; did you mean Occlusion?",
    ),
    (
        "methods/occlusion/method",
        "captum:",
        "methods.occlusion: no registered method 'captum:'; accepted: ...; did you mean captum:NAME?",
    ),
    ("methods/occlusion/stride", 3, "methods.occlusion: unknown key 'stride'; accepted: ...; did you mean strides?"),
    ("methods/occlusion/name", "x", "methods.occlusion: found the key 'name', which pathattr sets itself; accepted: without"),
    ("methods/occlusion/seed", 1, "methods.occlusion: found the key 'seed', which pathattr sets itself; accepted: without"),
    ("methods/occlusion/ids", [], "methods.occlusion: found the key 'ids', which pathattr sets itself; accepted: without"),
    ("methods/occlusion/image", 1, "methods.occlusion: found the key 'image', which pathattr sets itself; accepted: without"),
    (
        "methods/occlusion",
        {"method": "captum:Occlusion"},
        "methods.occlusion: sliding_window_shapes missing; accepted: what captum's Occlusion takes",
    ),
    (
        "methods/occlusion/objective",
        "logits",
        "methods.occlusion.objective: found 'logits'; accepted: logit, probability, log_probability, loss",
    ),
    ("metrics/difid", {}, "metrics.difid: no registered metric 'difid'; accepted: ...; did you mean diffid?"),
    ("metrics/diffid/fractions", 0, "metrics.diffid.fractions: found 0; accepted: a whole number, at least 1, at most 10000"),
    (
        "metrics/diffid/fractions",
        1000000,
        "metrics.diffid.fractions: found 1000000; accepted: a whole number, at least 1, at most 10000",
    ),
    ("metrics/diffid/absolute", "no", "metrics.diffid.absolute: found 'no'; accepted: true or false"),
    ("metrics/rise/blur", 0, "metrics.rise.blur: found 0; accepted: a finite number, above 0, at most 1000"),
    ("metrics/rise/steps", 100000, "metrics.rise.steps: found 100000; accepted: a whole number, at least 1, at most 10000"),
    (
        "metrics/sensitivity_n/subsets",
        2,
        "metrics.sensitivity_n.subsets: found 2; accepted: a whole number, at least 3, at most 10000",
    ),
    (
        "metrics/sensitivity_n/fractions",
        [0.5, 1.0],
        "metrics.sensitivity_n.fractions.1: found 1.0; accepted: a finite number, above 0, below 1",
    ),
    (
        "metrics/sensitivity_n/fractions",
        [0.5, 0.5],
        "metrics.sensitivity_n.fractions: found [0.5, 0.5]; accepted: a list, at least 1 long, each value once",
    ),
    (
        "metrics/diffroar/train",
        1398,
        "metrics.diffroar.train, on digits_native: found 1398; accepted: ...",
    ),
    ("metrics/diffroar/shares", [0.5, NAN], "metrics.diffroar.shares.1: found nan; accepted: a finite number, above 0, below 1"),
    ("metrics/diffroar/learning_rate", INF, "metrics.diffroar.learning_rate: found inf; accepted: a finite number, above 0"),
    (
        "metrics/localisation/region",
        "boxes",
        "metrics.localisation.region: found 'boxes'; accepted: box, object; did you mean box?",
    ),
    ("reported_as", {"sg": 3}, "reported_as.sg: found 3; accepted: text"),
    ("papers/lpi/models/vgg16", "vgg_pair", "papers.lpi.models.vgg16: found 'vgg_pair'; accepted: ...; did you mean vgg_pairs?"),
    ("papers/lpi/models", {}, "papers.lpi.models: found {}; accepted: a mapping, with at least 1 key"),
    (
        "papers/lpi/reported",
        "lpi",
        "papers.lpi.reported: found 'lpi'; accepted: credible-icml2023, local-attribution-mm2024, lpi-aaai2023, taylor-2020",
    ),
    ("papers/lpi/title", None, "papers.lpi.title: found None; accepted: text"),
    ("papers/lpi/defaults/image", 3, "papers.lpi.defaults: unknown key 'image'; accepted: ...; did you mean images?"),
    (
        "papers/lpi/defaults/images",
        401,
        "papers.lpi.defaults.images: found 401; accepted: at most the 400 test images of digit_pairs_on_photos",
    ),
    ("papers/lpi/defaults/images", 0, "papers.lpi.defaults.images: found 0; accepted: a whole number, at least 1, at most 9999999"),
    ("papers/lpi/defaults/methods", ["ig", "egg"], "papers.lpi.defaults.methods: found 'egg'; accepted: ...; did you mean eg?"),
    (
        "papers/lpi/defaults/methods",
        [],
        "papers.lpi.defaults.methods: found []; accepted: a list, at least 1 long, each value once",
    ),
    ("papers/lpi/defaults/metric", "difid", "papers.lpi.defaults.metric: found 'difid'; accepted: ...; did you mean diffid?"),
    (
        "papers/lpi/artefacts/fig3/artefact",
        "removal_curve",
        "papers.lpi.artefacts.fig3.artefact: found 'removal_curve'; accepted: ...; did you mean removal_curves?",
    ),
    (
        "papers/lpi/artefacts/fig3/modle",
        "vgg16",
        "papers.lpi.artefacts.fig3: unknown key 'modle'; accepted: ...; did you mean model?",
    ),
    (
        "papers/lpi/artefacts/fig3/model",
        "vgg61",
        "papers.lpi.artefacts.fig3.model: found 'vgg61'; accepted: vgg16, resnet34, resnet34_ten; did you mean vgg16?",
    ),
    (
        "papers/lpi/artefacts/fig3/scores",
        ["diffid_outptu"],
        "papers.lpi.artefacts.fig3.scores: found 'diffid_outptu'; accepted: ...; did you mean diffid_output?",
    ),
    (
        "papers/lpi/artefacts/fig3/variants",
        ["signed"],
        "papers.lpi.artefacts.fig3.variants.0: found 'signed'; accepted: vanilla, absolute, valid_interpolations, valid_references",
    ),
    (
        "papers/lpi/artefacts/fig2/methods",
        ["random"],
        "papers.lpi.artefacts.fig2: found random; accepted: methods with neighbourhoods",
    ),
    (
        "papers/lpi/artefacts/fig2/methods",
        ["lpi", {"lpi": {"references": 5}}],
        "papers.lpi.artefacts.fig2: found methods ['lpi', 'lpi-references5']; accepted: one method",
    ),
    (
        "papers/lpi/artefacts/fig1/methods",
        ["random"],
        "papers.lpi.artefacts.fig1: found random; accepted: entries of ig, eg and lpi, whose references it shows",
    ),
    (
        "papers/lpi/artefacts/table1/reported",
        "table9",
        "papers.lpi.artefacts.table1.reported: found 'table9'; accepted: table1; did you mean table1?",
    ),
    (SWEEP, {}, "papers.lpi.artefacts.fig6l.sweep: found {}; accepted: a mapping, with at least 1 key"),
    (SWEEP, {"ig": {}}, "papers.lpi.artefacts.fig6l.sweep.ig: found {}; accepted: a mapping, with at least 1 key"),
    (
        SWEEP,
        {"ig": {"steps": []}},
        "papers.lpi.artefacts.fig6l.sweep.ig.steps: found []; accepted: a list, at least 1 long, each value once",
    ),
    (
        SWEEP,
        {"ig": {"steps": 5}},
        "papers.lpi.artefacts.fig6l.sweep.ig.steps: found 5; accepted: a list, at least 1 long, each value once",
    ),
    (
        SWEEP,
        {"ig": {"steps": [0]}},
        "papers.lpi.artefacts.fig6l.sweep.ig.steps: found 0; accepted: a whole number, at least 1, at most 1000000",
    ),
    (
        SWEEP,
        {"ig": {"method": ["eg"]}},
        "papers.lpi.artefacts.fig6l.sweep.ig: found method, which makes another entry; accepted: parameters of its method",
    ),
    (
        SWEEP,
        {"ig": {"variants": ["vanilla"]}},
        "papers.lpi.artefacts.fig6l.sweep.ig: found variants, which makes another entry; accepted: parameters of its method",
    ),
    (
        SWEEP,
        {"ig": {"rule": ["mid/point"]}},
        "papers.lpi.artefacts.fig6l.sweep.ig.rule: found 'mid/point'; accepted: one number or word",
    ),
    (
        SWEEP,
        {"occlusion": {"strides": [[3, 4, 4]]}},
        "papers.lpi.artefacts.fig6l.sweep.occlusion.strides: found [3, 4, 4]; accepted: one number or word",
    ),
    (
        SWEEP,
        {"lpi": {"neighbourhoods": [{"resnet_pairs": 3}]}},
        "papers.lpi.artefacts.fig6l.sweep.lpi.neighbourhoods: found {'resnet_pairs': 3}; accepted: one number or word",
    ),
    (SWEEP, {"igg": {"steps": [5]}}, "papers.lpi.artefacts.fig6l.sweep: found 'igg'; accepted: ...; did you mean ig?"),
    (
        SWEEP,
        {"agi": {"classes": [100]}},
        "papers.lpi.artefacts.fig6l, agi.classes, on digit_pairs_on_photos: found 100; accepted: ...",
    ),
    (SWEEP, ["ig"], "papers.lpi.artefacts.fig6l.sweep: found ['ig']; accepted: a mapping, with at least 1 key"),
    (
        SWEEP,
        {"ig": {"steps": [5, 5]}},
        "papers.lpi.artefacts.fig6l.sweep.ig.steps: found [5, 5]; accepted: a list, at least 1 long, each value once",
    ),
    (
        "papers/credible/artefacts/axioms/method",
        "credible_ig",
        "papers.credible.artefacts.axioms: found credible_ig; accepted: methods with the baselines of compute_baseline",
    ),
    (
        "papers/recalibration/artefacts/checks/methods",
        ["random"],
        "papers.recalibration.artefacts.checks: found random; accepted: methods with both re-calibrated forms ...",
    ),
    (
        "papers/recalibration/artefacts/fig7/sweep",
        {"ig_uniform_many": {"references": [2, 5], "steps": [5]}},
        "papers.recalibration.artefacts.fig7: accepted: a sweep of one method over one parameter, a number",
    ),
    (
        "papers/recalibration/artefacts/fig9/sigmas",
        [0.1, -0.1],
        "papers.recalibration.artefacts.fig9.sigmas.1: found -0.1; accepted: a finite number, at least 0",
    ),
    (
        "papers/recalibration/artefacts/fig9/names",
        ["one"],
        "papers.recalibration.artefacts.fig9: found left ..., names ['one']; accepted: a name for each model",
    ),
    (
        "papers/local_attribution/artefacts/fig8/x",
        "classes",
        "papers.local_attribution.artefacts.fig8: found x 'classes', by None; accepted: numbers that every point of the sweep has",
    ),
    ("papers/lpi/claims/c4/claim", "chains", "papers.lpi.claims.c4.claim: found 'chains'; accepted: ...; did you mean chain?"),
    (
        "papers/lpi/claims/c4/artefacts",
        ["fig33"],
        "papers.lpi.claims.c4.artefacts: found 'fig33'; accepted: ...; did you mean fig3?",
    ),
    ("papers/lpi/claims/c4/artefacts", [], "papers.lpi.claims.c4.artefacts: found []; accepted: a list, at least 1 long"),
    ("papers/lpi/claims/c4/direction", "up", "papers.lpi.claims.c4.direction: found 'up'; accepted: better, higher, lower"),
    (
        "papers/lpi/claims/c11/pairs",
        [["ig"]],
        "papers.lpi.claims.c11.pairs.0: found ['ig']; accepted: a list, at least 2 long, at most 2 long",
    ),
    (
        "papers/lpi/claims/c11/pairs",
        None,
        "papers.lpi.claims.c11: found pairs None, methods None, rivals None; accepted: pairs, or methods and rivals",
    ),
    (
        "papers/lpi/claims/e1/table",
        "fig9",
        "papers.lpi.claims.e1.table: found 'fig9'; accepted: ...; did you mean fig5?",
    ),
    ("papers/credible/claims/c9/margin", NAN, "papers.credible.claims.c9.margin: found nan; accepted: a finite number"),
    (
        ("papers", 7),
        {"title": "a", "models": {"a": "vgg_pairs"}, "artefacts": {}},
        "papers: found the key 7; accepted: text, in quotes where YAML reads another thing",
    ),
]


def changed(path, value) -> dict:
    """The shipped configuration with one value changed."""
    config = copy.deepcopy(SHIPPED)
    *parents, last = path.split("/") if isinstance(path, str) else path
    place = config
    for key in parents:
        place = place[key]
    place[last] = value
    return config


def assert_said(caught, line: str):
    (said,) = str(caught.value).splitlines()
    pattern = ".*".join(re.escape(part) for part in f"config: {line}".split("..."))
    assert re.fullmatch(pattern, said), said


@pytest.mark.parametrize("path, value, line", BAD, ids=[f"{path}-{value!r:.30}" for path, value, _ in BAD])
def test_it_is_told_in_one_line_before_any_job(path, value, line):
    """By `load`, which the Snakefile calls before it has any job."""
    with pytest.raises(InputError) as caught:
        load(changed(path, value), SCHEMA)
    assert_said(caught, line)


def test_there_are_enough_of_them():
    assert len(BAD) >= 120


@pytest.mark.parametrize(
    "text, line",
    [
        (
            "seed: 0\nmethods:\n  ig: {steps: 3}\n  ig: {steps: 4}\n",
            "{path}, line 4: key 'ig' twice, first in line 3; accepted: once",
        ),
        ("a: {b: 1, c: 2, b: 3}\n", "{path}, line 1: key 'b' twice, first in line 1; accepted: once"),
        ("methods:\n  5: {method: ig}\n", "{path}, line 2: the key 5 is no text to YAML; accepted: text, '5' in quotes"),
        ("methods:\n  yes: {method: ig}\n", "{path}, line 2: the key yes is no text to YAML; accepted: text, 'yes' in quotes"),
        ("methods:\n  ig: {steps: 3\n", "{path}, line 3: ...; accepted: YAML"),
        ("a: 1\n\tb: 2\n", "{path}, line 2: found ...; accepted: YAML"),
        ("a: *nobody\n", "{path}, line 1: found undefined alias; accepted: YAML"),
        ('{"a": 1, "a": 2}', "{path}, line 1: key 'a' twice, first in line 1; accepted: once"),
    ],
)
def test_what_yaml_passes_over_is_told_with_file_and_line(text, line, tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load(copy.deepcopy(SHIPPED), SCHEMA, files=[path])
    assert_said(caught, line.replace("{path}", str(path)))


def test_what_is_no_text_or_not_there_is_told_with_the_file(tmp_path):
    path = tmp_path / "own.yaml"
    assert strict.problems_of(path) == [f"{path}: No such file or directory; accepted: a YAML file"]
    path.write_bytes(b"\xff\xfe\x00")
    (line,) = strict.problems_of(path)
    assert line.startswith(f"{path}: ") and line.endswith("; accepted: YAML in UTF-8")


@pytest.mark.parametrize("path", [ROOT / "config.yaml", *sorted((ROOT / "config").glob("*.yaml"))], ids=lambda path: path.stem)
def test_the_shipped_files_are_sound_merge_keys_and_aliases_among_them(path):
    assert strict.problems_of(path) == []


def test_a_file_of_nothing_is_sound(tmp_path):
    (tmp_path / "own.yaml").write_text("# nothing\n")
    assert strict.problems_of(tmp_path / "own.yaml") == []


def test_a_configuration_that_holds_itself_is_refused():
    config = copy.deepcopy(SHIPPED)
    config["methods"]["ig"]["upto"] = config["methods"]
    assert check(config, SCHEMA) == ["methods.ig.upto: holds itself; accepted: an alias outside of its anchor"]


def test_methods_that_an_artefact_cannot_take_are_refused():
    config = changed(("methods", "lpi_two"), {"method": "lpi", "neighbourhoods": 3})
    config["papers"]["credible"]["artefacts"]["cost"]["methods"] = ["credible_ig", "lpi_two"]
    assert check(config, SCHEMA) == ["papers.credible.artefacts.cost: found lpi_two; accepted: methods without neighbourhoods"]


def test_every_condition_names_only_what_is_known():
    """One that names something else would hold always."""
    derived = {"len", "set", "baselines", "series", "swept", "changed"}
    conditions = 0
    for kind in ("method", "training", "dataset", "artefact", "claim"):
        for known in source.registered(kind).values():
            for condition in known.facts.get("holds") or {}:
                names = set(compile(condition, "condition", "eval").co_names)
                assert names <= derived | {one.name for one in known.parameters}, (kind, known.name, condition)
                conditions += 1
            for condition in known.facts.get("takes") or {}:
                assert set(compile(condition, "condition", "eval").co_names) <= {"set", "method", "needs", "gives", "fitter"}
    assert conditions > 20


def test_a_missing_gpu_is_told_only_where_the_jobs_run_here(monkeypatch):
    study = Study(changed("device", "cuda"))
    monkeypatch.setattr(installed, "has_gpu", lambda: False)
    assert study.missing(local=True) == [
        "device: found 'cuda', but this machine has no GPU; accepted: cpu, or a machine with a GPU"
    ]
    assert study.missing() == []
    monkeypatch.setattr(installed, "has_gpu", lambda: True)
    assert study.missing(local=True) == []


def test_cuda_may_be_hidden(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not installed.has_gpu()


def test_where_captum_and_torchvision_are_not_installed_the_job_tells(monkeypatch):
    monkeypatch.setattr(installed, "attributions", lambda: {})
    monkeypatch.setattr(installed, "networks", lambda library: [])
    assert check(changed("methods/occlusion/method", "captum:Oclusion"), SCHEMA) == []
    entry = {**SHIPPED["models"]["vgg_small"], "architecture": "torchvision.resnet43"}
    assert check(changed(("models", "spare"), entry), SCHEMA) == []
    assert check(changed(("models", "spare"), entry | {"architecture": "timm.resnet43"}), SCHEMA) == []


def test_a_layer_of_captums_is_the_last_convolution_unless_named():
    for entry in ({}, {"layer": "layer4"}, {"relu_attributions": True}):
        assert check(changed("methods/occlusion", {"method": "captum:LayerGradCam"} | entry), SCHEMA) == []


@pytest.mark.parametrize(
    "known, name, line",
    [
        ([], "resnet50", "found timm.resnet50, but timm is not installed; accepted: pip install timm, or another architecture"),
        (["resnet50", "vit_tiny"], "resnet60.a1_in1k", "timm has no classifier 'resnet60'; accepted: the names that "
         "timm.list_models() gives; did you mean resnet50?"),
    ],
)  # fmt: skip
def test_networks_of_timm_are_looked_up_where_it_is_installed(monkeypatch, known, name, line):
    monkeypatch.setattr(installed, "networks", lambda library: known if library == "timm" else ["resnet50"])
    entry = {**SHIPPED["models"]["vgg_small"], "architecture": f"timm.{name}"}
    assert check(changed(("models", "spare"), entry), SCHEMA) == [f"models.spare.architecture: {line}"]


def test_weights_of_a_network_of_timm_come_with_its_preprocessing(monkeypatch):
    monkeypatch.setattr(installed, "networks", lambda library: ["resnet50"])
    entry = {"dataset": "digits_on_photos", "architecture": "timm.resnet50.a1_in1k"}
    for weights in ("published", "mine.safetensors"):
        assert check(changed(("models", "spare"), entry | {"weights": weights}), SCHEMA) == []
    (line,) = check(changed(("models", "spare"), entry | {"weights": "mine.safetensors", "mean": [0.5] * 3}), SCHEMA)
    assert line.startswith("models.spare: mean and std missing")


def test_captums_keywords_are_those_that_its_classes_take():
    """Read as text, as the imported classes have them."""
    import inspect

    from captum import attr

    for name in installed.attributions():
        if takes := installed.keywords(name):
            kind = getattr(attr, name)
            own = [list(inspect.signature(one).parameters)[2:] for one in (kind.__init__, kind.attribute)]
            assert takes[0] == set(sum(own, [])) - {"target"}, name


def test_torchvisions_networks_are_those_that_it_lists():
    from pathattr.model.torchvision import import_torchvision

    models = import_torchvision().models
    assert installed.networks("torchvision") == sorted(models.list_models(module=models))
