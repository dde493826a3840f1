// The whole library in one header, for the programs in this folder and, installed, for any other.
#pragma once

#include "autograd/apply.h"
#include "autograd/functional.h"
#include "autograd/grad.h"
#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "autograd/tools.h"
#include "data/metrics.h"
#include "data/pairs.h"
#include "data/text.h"
#include "nn/batch.h"
#include "nn/checks.h"
#include "nn/decoding.h"
#include "nn/layers.h"
#include "nn/models.h"
#include "nn/saving.h"
#include "nn/training.h"
