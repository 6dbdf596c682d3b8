// The header stands alone in C++11 too, and its names link as C.
#include <modelwire.h>

int main()
{
    modelwire_line_fn none = nullptr;
    return modelwire_abi_version() == MODELWIRE_ABI_VERSION && none == nullptr ? 0 : 1;
}
