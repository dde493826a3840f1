// Checks of modules.
#pragma once

#include "nn/checks/gradcheck.h"   // their gradients
#include "nn/checks/properties.h"  // what gradients do not show: batch independence, causality, ...
