/* The header stands alone: nothing is included before it, and nothing else is needed. */
#include <modelwire.h>

int main(void)
{
    return modelwire_abi_version() == MODELWIRE_ABI_VERSION ? 0 : 1;
}
