// Checks of modules.
#pragma once

#include "nn/checks/gradcheck.h"  // the gradients of a module
#include "nn/checks/properties.h"  // what gradients do not show: batch independence, causality, padding
